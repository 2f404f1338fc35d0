// Package config reads rollbook.yaml: strictly, with the line and column of
// every mistake, all mistakes at once, and with a source for every value.
//
// # Where it comes from, and how files combine
//
// With --config FILE, that file alone is read. Otherwise what there is of
// these is combined, key by key, and the later one wins:
//
//	built-in defaults                       the runbook's figures
//	ConfigMap "rollbook" in the namespace   shared
//	rollbook.yaml in the working folder     shared
//	$XDG_CONFIG_HOME/rollbook/rollbook.yaml the operator's own
//
// The shared files hold what a team agrees on (limits, verify, slo,
// components, links, contacts), the operator's own what is private, and it may
// change any of the shared values for its owner. Components, links and
// contacts are matched by name and combined key by key too, in the order in
// which they were first named; of a component, metrics is taken as a whole,
// and so are lists.
//
// # What is trusted from where
//
// Whoever edits the working folder or the ConfigMap must not choose where a
// token goes, what is applied to the cluster or done to its data, where the
// journal is written or which cluster may be rolled back with a "y". So
// prometheus, not_production, notifications, report, recovery (its link to the
// restore procedure too), drill and journal_dir are mistakes in a shared file; the
// message says where to put them instead. Secrets are named, never written: token_env,
// token_file, and the *_file keys of http_config.
package config
