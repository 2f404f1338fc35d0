package text

import (
	"bytes"
	"encoding/json"
	"strings"
)

// The levels of a log line; "" = it has none.
const (
	LevelError = "error" // and fatal, critical, panic
	LevelWarn  = "warn"
	LevelInfo  = "info"
	LevelDebug = "debug"
)

// LogLine is a log line taken apart. Its texts are not cut.
type LogLine struct {
	At    string // its time as it stands there; "" = none
	Level string // one of the levels; "" = none is told
	Text  string // what it says: of JSON and logfmt the message, with the error behind it
	Where string // the place in the code that it names: "settings.py:27"; "" = none
	Rest  string // the other fields of JSON and logfmt, "name=value" each

	stack string // of a field: a traceback of several lines
}

// ParseLogLine takes apart a line of JSON, of logfmt, of klog, or one of plain text
// that begins with a time or a level. What it does not understand is all Text. A
// field of JSON may hold what the line's own form had hidden: its texts are made
// safe again.
func ParseLogLine(line string) LogLine {
	line = strings.TrimRight(line, " \t\r")
	if body := strings.TrimLeft(line, " "); strings.HasPrefix(body, "{") {
		if fields, ok := jsonFields(body); ok {
			return fromFields(fields)
		}
	}
	if strings.Contains(line, "level=") || strings.Contains(line, "lvl=") {
		if fields, ok := logfmtFields(line); ok {
			return fromFields(fields)
		}
	}
	return plainLine(line)
}

// field is one of a structured line, in the line's order.
type field struct{ name, value string }

// jsonFields returns the fields of an object; nested ones are left as JSON.
func jsonFields(s string) ([]field, bool) {
	dec := json.NewDecoder(strings.NewReader(s))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	var out []field
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, false
		}
		var v json.RawMessage
		if dec.Decode(&v) != nil {
			return nil, false
		}
		key, _ := name.(string)
		out = append(out, field{key, jsonValue(v)})
	}
	if _, err := dec.Token(); err != nil {
		return nil, false
	}
	return out, len(out) > 0
}

// jsonValue returns a string's text, "" for null, and anything else as it stands
// there. Of an object that tells an error it returns what that says.
func jsonValue(v json.RawMessage) string {
	switch v = bytes.TrimSpace(v); {
	case len(v) > 0 && v[0] == '"':
		var s string
		if json.Unmarshal(v, &s) == nil {
			return s
		}
	case len(v) > 0 && v[0] == '{':
		var e struct{ Type, Kind, Name, Message, Msg, Stack string }
		if json.Unmarshal(v, &e) == nil && e.Message+e.Msg != "" {
			said := e.Message + e.Msg
			if kind := e.Type + e.Kind + e.Name; kind != "" && !strings.HasPrefix(said, kind) {
				said = kind + ": " + said
			}
			return strings.TrimRight(said+"\n"+e.Stack, "\n")
		}
	case string(v) == "null":
		return ""
	}
	return string(v)
}

// logfmtFields returns the fields of a line of "name=value", values in quotes where
// they hold spaces.
func logfmtFields(s string) (out []field, ok bool) {
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimLeft(s, " ") {
		name, rest, found := strings.Cut(s, "=")
		if !found || name == "" || strings.ContainsAny(name, " \"") {
			return nil, false
		}
		if strings.HasPrefix(rest, `"`) {
			end := 1
			for end < len(rest) && rest[end] != '"' {
				if rest[end] == '\\' {
					end++
				}
				end++
			}
			if end >= len(rest) {
				return nil, false
			}
			value := rest[1:end]
			var plain string
			if json.Unmarshal([]byte(rest[:end+1]), &plain) == nil {
				value = plain
			}
			out, s = append(out, field{name, value}), rest[end+1:]
			continue
		}
		value, after, _ := strings.Cut(rest, " ")
		out, s = append(out, field{name, value}), after
	}
	return out, len(out) > 1
}

// What loggers call their fields.
var fieldNames = map[string]string{
	"time": "at", "timestamp": "at", "ts": "at", "@timestamp": "at", "t": "at", "datetime": "at", "asctime": "at",
	"level": "level", "lvl": "level", "severity": "level", "levelname": "level", "log.level": "level", "loglevel": "level", "log_level": "level",
	"msg": "text", "message": "text", "event": "text",
	"error": "error", "err": "error", "exception": "error", "exc_info": "error", "error.message": "error", "exception.message": "error",
	"stack": "stack", "stacktrace": "stack", "stack_trace": "stack", "traceback": "stack", "error.stack_trace": "stack", "exception.stacktrace": "stack",
	"caller": "where", "source": "where",
}

func fromFields(fields []field) LogLine {
	var l LogLine
	var failed string
	var rest []string
	for _, f := range fields {
		switch to := fieldNames[strings.ToLower(f.name)]; {
		case to == "at" && l.At == "":
			l.At = Line(f.value)
		case to == "level" && l.Level == "":
			l.Level = levelOf(f.value)
			if l.Level == "" {
				rest = append(rest, f.name+"="+f.value)
			}
		case to == "text" && l.Text == "":
			l.Text = f.value
		case to == "error" && failed == "":
			failed = f.value
		case to == "stack" && l.stack == "":
			l.stack = f.value
		case to == "where" && placeIn(f.value) != "":
			l.Where = placeIn(f.value)
		case f.value != "":
			rest = append(rest, f.name+"="+f.value)
		}
	}
	l.Text, failed = l.unstack(l.Text), l.unstack(failed)
	switch {
	case failed == "" || failed == "false" || strings.Contains(l.Text, failed):
	case l.Text == "":
		l.Text = failed
	default:
		l.Text += ": " + failed
	}
	l.Text, l.Rest = Line(l.Text), Line(strings.Join(rest, " "))
	if l.Text == "" {
		l.Text, l.Rest = l.Rest, ""
	}
	if l.Level == "" {
		if l.Level = wordLevel(l.Text); failed != "" && failed != "false" {
			l.Level = LevelError
		}
	}
	return l
}

// unstack keeps the stack trace that a field of several lines holds, and returns what
// it says in one.
func (l *LogLine) unstack(s string) string {
	head, _, several := strings.Cut(strings.TrimSpace(s), "\n")
	if !several {
		return s
	}
	if l.stack == "" {
		l.stack = s
	}
	if strings.Contains(head, pythonHead) {
		s = strings.TrimSpace(s)
		return s[strings.LastIndexByte(s, '\n')+1:]
	}
	return head
}

// levelOf returns the level that a word or a number of a logger stands for.
func levelOf(s string) string {
	switch strings.ToLower(strings.Trim(s, `"`)) {
	case "error", "err", "fatal", "critical", "crit", "panic", "dpanic", "severe", "emerg", "emergency", "alert", "50", "60":
		return LevelError
	case "warn", "warning", "40":
		return LevelWarn
	case "info", "information", "notice", "log", "30":
		return LevelInfo
	case "debug", "trace", "verbose", "10", "20":
		return LevelDebug
	}
	return ""
}

var (
	lineTime = Pattern(`^\[?(\d{4}[-/]\d{2}[-/]\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?: ?(?:Z|UTC|[+-]\d{2}:?\d{2}))?|\d{2}:\d{2}:\d{2}(?:[.,]\d+)?|\d{2}/[A-Z][a-z]{2}/\d{4}[: ]\d{2}:\d{2}:\d{2}(?: [+-]\d{4})?)\]?(?:\s*[-|]\s+|\s+|$)`)
	// A level that leads a line stands for itself: in brackets, in capitals, or with a
	// colon behind it.
	lineLevel = Pattern(`^(?:\[\s*([A-Za-z]{3,9})\s*\]|<([A-Za-z]{3,9})>|([A-Z]{3,9})(?::|\s|$)|([a-z]{3,9}):\s)[\s:|-]*`)
	klogLine  = Pattern(`^([IWEF])\d{4} (\d{2}:\d{2}:\d{2}\.\d+)\s+\d+ (\S+:\d+)\] `)
	// One in capitals may stand behind a thread, a process or a logger.
	innerLevel = Pattern(`\b(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|PANIC|SEVERE)\b`)
	errorWord  = Pattern(`(?i)\b(?:error|exception|panic|panicked|fatal|traceback|segfault|segmentation fault|out of memory)\b|[a-z](?:Error|Exception)\b`)
	// A server's own list of requests calls each of them information.
	failedRequest = Pattern(`\bHTTP/\d(?:\.\d)?" 5\d\d\b`)
)

// levelReach is how far into a line its level may stand.
const levelReach = 80

func plainLine(s string) LogLine {
	if m := klogLine().FindStringSubmatch(s); m != nil {
		level := map[string]string{"I": LevelInfo, "W": LevelWarn, "E": LevelError, "F": LevelError}[m[1]]
		return LogLine{At: m[2], Level: level, Where: m[3], Text: s[len(m[0]):]}
	}
	l := LogLine{Text: s}
	if m := lineTime().FindStringSubmatch(s); m != nil {
		l.At, l.Text = m[1], s[len(m[0]):]
	}
	if m := lineLevel().FindStringSubmatch(l.Text); m != nil {
		if l.Level = levelOf(m[1] + m[2] + m[3] + m[4]); l.Level != "" && m[4] != "panic" {
			l.Text = l.Text[len(m[0]):]
		}
	}
	if l.Level == "" {
		if m := innerLevel().FindString(l.Text[:min(len(l.Text), levelReach)]); m != "" {
			l.Level = levelOf(m)
		}
	}
	switch {
	case failedRequest().MatchString(l.Text):
		l.Level = LevelError
	case l.Level == "":
		l.Level = wordLevel(l.Text)
	}
	return l
}

// wordLevel guesses the level of a line that tells none.
func wordLevel(s string) string {
	if errorWord().MatchString(s) {
		return LevelError
	}
	return ""
}
