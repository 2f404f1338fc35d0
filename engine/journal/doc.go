// Package journal keeps the facts of an incident on disk: one folder per
// incident with a journal.jsonl in it, a header and one fact a line, synced
// before it is acknowledged.
//
// Nobody waits for the disk: Append queues, and the acknowledgement comes back
// by a callback, in order. A disk that takes longer than a second, is full or is
// read-only is left for the next folder, where the whole journal is written
// anew; when none is left, the acknowledgement is the error.
//
// Journals of earlier runs are found without being read: Search knows a closed one
// by its end. Beside one that was read whole lies its summary, a cache that counts
// only while the journal is as it was then.
package journal
