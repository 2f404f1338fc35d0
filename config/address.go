package config

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// An Address is where Prometheus answers: a URL, or a service that is reached
// through the API server.
type Address struct {
	URL     string
	Service *Service
}

// A Service is reached through the API server's proxy subresource, so that no
// network path is needed but the one that kubectl has.
type Service struct {
	Namespace string
	Scheme    string // "https" or ""
	Name      string
	Port      string // number or name
	Path      string // "" or a prefix such as /prometheus
}

func (a Address) String() string {
	if a.Service == nil {
		return a.URL
	}
	s := a.Service
	scheme := ""
	if s.Scheme != "" {
		scheme = s.Scheme + ":"
	}
	return "service:" + s.Namespace + "/" + scheme + s.Name + ":" + s.Port + s.Path
}

var portName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$`)

var errService = errors.New("is not service:NAMESPACE/NAME:PORT, such as service:monitoring/prometheus:9090")

// ParseAddress reads an http or https URL, or
// service:NAMESPACE/[https:]NAME:PORT[/PATH].
func ParseAddress(s string) (Address, error) {
	rest, ok := strings.CutPrefix(s, "service:")
	if !ok {
		err := checkURL(s)
		if errors.Is(err, errNoURL) {
			err = fmt.Errorf("%w, nor service:NAMESPACE/NAME:PORT, which is reached through the API server", err)
		}
		if err != nil {
			return Address{}, err
		}
		return Address{URL: strings.TrimRight(s, "/")}, nil
	}
	var svc Service
	svc.Namespace, rest, ok = strings.Cut(rest, "/")
	if !ok || checkNamespace(svc.Namespace) != nil {
		return Address{}, fmt.Errorf("%s %w", quote(s), errService)
	}
	rest, path, _ := strings.Cut(rest, "/")
	if path = strings.TrimRight(path, "/"); path != "" {
		svc.Path = "/" + path
		if u, err := url.Parse(svc.Path); err != nil || u.Path != svc.Path || strings.Contains(svc.Path, "..") {
			return Address{}, fmt.Errorf("%s has an odd path", quote(s))
		}
	}
	if r, secure := strings.CutPrefix(rest, "https:"); secure {
		svc.Scheme, rest = "https", r
	}
	svc.Name, svc.Port, ok = strings.Cut(rest, ":")
	if n, err := strconv.Atoi(svc.Port); err == nil && (n < 1 || n > 65535) {
		ok = false
	}
	if !ok || !dnsLabel.MatchString(svc.Name) || !portName.MatchString(svc.Port) {
		return Address{}, fmt.Errorf("%s %w", quote(s), errService)
	}
	return Address{Service: &svc}, nil
}

// secretParams are names of query parameters that carry secrets.
var secretParams = map[string]bool{"token": true, "access_token": true, "api_key": true, "apikey": true, "key": true, "sig": true, "signature": true, "password": true, "secret": true}

var errNoURL = errors.New("is not a URL that begins with https:// or http://")

// checkURL accepts an http or https URL without a secret in it. Its errors do
// not repeat what may be one.
func checkURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return errors.New("is not a URL") // err repeats it
	case u.User != nil:
		return errors.New("a URL may not hold a user or a password")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.Hostname() == "":
		return fmt.Errorf("%s %w", quote(s), errNoURL)
	}
	for name := range u.Query() {
		if secretParams[strings.ToLower(name)] {
			return fmt.Errorf("a URL may not hold a secret, as its parameter %s looks to be", quote(name))
		}
	}
	return nil
}

// unquote reads a PromQL string in double or single quotes.
func unquote(s string) (string, error) {
	if s[0] == '\'' {
		s = `"` + strings.ReplaceAll(strings.ReplaceAll(s[1:len(s)-1], `\'`, `'`), `"`, `\"`) + `"`
	}
	return strconv.Unquote(s)
}
