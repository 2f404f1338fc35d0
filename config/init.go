package config

import (
	_ "embed"
	"io"
)

//go:embed example.yaml
var example []byte

// Init writes a commented example, which is itself a valid configuration.
func Init(w io.Writer) error {
	_, err := w.Write(example)
	return err
}
