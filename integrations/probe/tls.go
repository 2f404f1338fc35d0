package probe

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"rollbook/text"
)

// certificate tells the faults of a certificate apart, if r has one.
func (p *Prober) certificate(r *Result, host string) bool {
	var (
		invalid   x509.CertificateInvalidError
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		record    tls.RecordHeaderError
		alert     *net.OpError
	)
	now := p.now()
	switch {
	case errors.As(r.Err, &invalid) && invalid.Reason == x509.Expired && now.Before(invalid.Cert.NotBefore):
		// Go says "expired" for both.
		r.Kind = TLSNotYetValid
		r.Text = fmt.Sprintf("certificate is valid only in %s (from %s); is a clock wrong?", ago(invalid.Cert.NotBefore.Sub(now)), date(invalid.Cert.NotBefore))
	case errors.As(r.Err, &invalid) && invalid.Reason == x509.Expired:
		r.Kind = TLSExpired
		r.Text = fmt.Sprintf("certificate expired %s ago (on %s)", ago(now.Sub(invalid.Cert.NotAfter)), date(invalid.Cert.NotAfter))
	case errors.As(r.Err, &authority):
		r.Kind = TLSAuthority
		r.Text = "certificate is signed by nobody who is trusted here"
		if c := authority.Cert; c != nil {
			if by := text.Line(c.Issuer.String()); by != "" {
				r.Text += ": " + text.Truncate(by, 80)
			}
		}
	case errors.As(r.Err, &name):
		r.Kind = TLSHost
		r.Text = "certificate is not for " + text.Line(host)
		if c := name.Certificate; c != nil {
			names := slices.Clone(c.DNSNames)
			for _, ip := range c.IPAddresses {
				names = append(names, ip.String())
			}
			if len(names) > 0 {
				r.Text += " but for " + text.Truncate(text.Line(strings.Join(names, ", ")), 80)
			}
		}
	case errors.As(r.Err, &record), errors.Is(r.Err, http.ErrSchemeMismatch):
		r.Kind, r.Text = TLSHandshake, "what answers there speaks no TLS; is the URL http://?"
	case errors.As(r.Err, &invalid):
		r.Kind, r.Text = TLSHandshake, "certificate is not accepted: "+text.Line(r.Err.Error())
	case errors.As(r.Err, &alert) && alert.Op == "remote error":
		// TLS 1.3 tells of a missing client certificate after the handshake.
		r.Kind, r.Text = TLSHandshake, "TLS handshake failed: the server says "+text.Line(strings.TrimPrefix(alert.Err.Error(), "tls: "))
	default:
		return false
	}
	return true
}

func refused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

func date(t time.Time) string { return t.UTC().Format("2006-01-02") }

// ago is a length of time in its largest unit.
func ago(d time.Duration) string {
	n, unit := int(d.Minutes()), "minute"
	switch {
	case d >= 48*time.Hour:
		n, unit = int(d.Hours()/24), "day"
	case d >= 2*time.Hour:
		n, unit = int(d.Hours()), "hour"
	}
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
