package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// A Secret says where a secret is: in an environment variable, or in a file. It
// never holds the secret itself. The zero value is none.
type Secret struct {
	Env  string // name of an environment variable
	File string // absolute path
}

func (s Secret) String() string {
	switch {
	case s.Env != "":
		return "environment variable " + s.Env
	case s.File != "":
		return "file " + printable(s.File)
	}
	return ""
}

// maxSecret is far above any token, and keeps a wrong path from being read whole.
const maxSecret = 64 << 10

// Read returns the secret, without the white space around it; "" for none. Its
// error names where it was looked for.
func (s Secret) Read(getenv func(string) string) (string, error) {
	switch {
	case s.Env != "":
		v := strings.TrimSpace(getenv(s.Env))
		if v == "" {
			return "", fmt.Errorf("the environment variable %s is not set; export it, or name a file", s.Env)
		}
		return v, nil
	case s.File == "":
		return "", nil
	}
	info, err := os.Stat(s.File)
	switch {
	case err != nil:
		return "", fmt.Errorf("%s cannot be read: %w", s, bare(err))
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is not a regular file", s)
	}
	f, err := os.Open(s.File)
	if err != nil {
		return "", fmt.Errorf("%s cannot be read: %w", s, bare(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("%s cannot be read: %w", s, bare(err))
	case len(data) > maxSecret:
		return "", fmt.Errorf("%s is larger than %d kB: no secret is", s, maxSecret>>10)
	}
	v := strings.TrimSpace(string(data))
	if v == "" {
		return "", fmt.Errorf("%s is empty", s)
	}
	return v, nil
}

// bare takes the path out of err, which stands before it anyway.
func bare(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	return err
}

func checkEnvName(s string) error {
	if !envName.MatchString(s) {
		// Not repeated: it may be the secret itself.
		return errors.New("is not the name of an environment variable; the secret itself belongs there and not here")
	}
	return nil
}

// secretFields are the keys NAME_env and NAME_file of one secret, and NAME
// itself, which is a mistake that wants a clear word.
func (d *decoder) secretFields(name string, to *Secret) []field {
	return []field{
		lineField(name+"_env", &to.Env, checkEnvName).as(lineOf(envName)),
		d.pathField(name+"_file", &to.File),
		{name: name, set: func(v value) {
			if v.draws(forbid("A secret may not stand here: name where it is, with " + name + "_env or " + name + "_file.")) {
				return
			}
			v.failKey("is a secret and may not stand here; put it into an environment variable or a file, and name that: %[1]s_env or %[1]s_file", name)
		}},
	}
}

// oneSecret reports that v has just one of a secret's keys; none is a mistake
// where the secret is needed.
func oneSecret(v value, name string, s Secret, needed bool) {
	switch {
	case s.Env != "" && s.File != "":
		v.failKey("has both %[1]s_env and %[1]s_file; keep one", name)
	case needed && s == (Secret{}):
		v.failKey("%[1]s_env or %[1]s_file is missing", name)
	}
}
