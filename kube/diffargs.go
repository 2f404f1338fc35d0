package kube

import (
	"reflect"
	"strconv"
	"strings"

	"rollbook/model"
)

// argument is a flag with its value, or a word that stands for itself.
type argument struct{ name, value string }

// arguments takes a command line apart. The name of a flag is told; what follows
// it, and what stands alone, may be a secret. A flag with one dash keeps its first
// letter alone: the rest may be its value, as in -pSECRET.
func arguments(v any) []argument {
	var out []argument
	words := list(v)
	alone := 0
	for i := 0; i < len(words); i++ {
		w := scalar(words[i])
		name, value, given := strings.Cut(w, "=")
		switch {
		case !strings.HasPrefix(w, "-") || strings.Trim(w, "-") == "" || strings.ContainsAny(name, " \t\n"):
			alone++
			out = append(out, argument{"argument " + strconv.Itoa(alone), w})
			continue
		case !given && w[1] != '-' && len(w) > 2:
			name, value = w[:2], w[2:]
		case !given && i+1 < len(words) && !strings.HasPrefix(scalar(words[i+1]), "-"):
			i++
			value = scalar(words[i])
		}
		out = append(out, argument{name, value})
	}
	return out
}

// arguments compares two command lines. Of values it says only that they are
// there, or that they changed, as env does: a diff is kept and sent around.
func (d *differ) arguments(what string, a, b any) {
	if reflect.DeepEqual(a, b) {
		return
	}
	before := len(d.out)
	x, y := arguments(a), arguments(b)
	valuesOf := func(all []argument) (names []string, by map[string][]string) {
		by = map[string][]string{}
		for _, arg := range all {
			if by[arg.name] == nil {
				names = append(names, arg.name)
			}
			by[arg.name] = append(by[arg.name], arg.value)
		}
		return names, by
	}
	names, is := valuesOf(x)
	more, comes := valuesOf(y)
	for _, name := range more {
		if is[name] == nil {
			names = append(names, name)
		}
	}
	for _, name := range names {
		from, to := is[name], comes[name]
		switch {
		case reflect.DeepEqual(from, to):
		case to == nil:
			d.add("command", what+" "+name, model.Literal, "")
		case from == nil:
			d.add("command", what+" "+name, "", model.Literal)
		default:
			d.add("command", what+" "+name, model.Literal, model.LiteralChanged)
		}
	}
	if len(d.out) == before {
		d.add("command", what, "order as now", "another order")
	}
}

// command compares the programs that are run; what follows them are arguments.
func (d *differ) command(who string, a, b any) {
	x, y := list(a), list(b)
	if len(x) == 0 || len(y) == 0 || scalar(x[0]) != scalar(y[0]) {
		if from, to := program(x), program(y); from != to {
			d.add("command", who+"command", from, to)
		}
	}
	d.arguments(who+"command", following(x), following(y))
}

func program(words []any) string {
	if len(words) == 0 {
		return ""
	}
	return scalar(words[0])
}

func following(words []any) any {
	if len(words) < 2 {
		return nil
	}
	return words[1:]
}
