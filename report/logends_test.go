package report

import (
	"os"
	"path/filepath"
	"testing"
)

// Of a failed component the log of the container that ended counts, then one that was
// taken when it failed; what its pods are called does not matter.
func TestWhichLogIsQuoted(t *testing.T) {
	const pod = "logs/order-confirm/order-confirm-42-a/"
	for _, tt := range []struct {
		name string
		logs []string
		want string
	}{
		{"taken at the opening", []string{pod + "api-current.log", pod + "api-current-opened.log"}, pod + "api-current-opened.log"},
		{"before the restart", []string{pod + "api-current-confirm.log", pod + "api-previous-3.log"}, pod + "api-previous-3.log"},
		{"the first of its kind", []string{pod + "api-current-2.log", pod + "api-current-3.log"}, pod + "api-current-2.log"},
	} {
		dir := t.TempDir()
		m := &Manifest{}
		for _, name := range tt.logs {
			path := filepath.Join(dir, Folder, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte("2026-11-23T03:05:00Z ERROR KeyError: "+name+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			m.Files = append(m.Files, File{Name: name, Source: "log of pod order-confirm-42-a"})
		}
		m.readEnds(dir)
		if len(m.ends) != 1 || len(m.ends[0].lines) != 1 || m.ends[0].lines[0] != "KeyError: "+tt.want {
			t.Errorf("%s: %+v, want of %s", tt.name, m.ends, tt.want)
		}
	}
}
