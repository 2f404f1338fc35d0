package cluster

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// certs are the files of the testbed's own certificate authority. The server
// certificate serves the API server and the fake kubelet, by 127.0.0.1, so that
// it also holds behind the fault proxy, which has another port.
type certs struct {
	ca, cert, key string // PEM files
	serviceKey    string // signs service account tokens
}

func makeCerts(dir string) (certs, error) {
	c := certs{
		ca: filepath.Join(dir, "ca.crt"), cert: filepath.Join(dir, "server.crt"),
		key: filepath.Join(dir, "server.key"), serviceKey: filepath.Join(dir, "service-account.key"),
	}
	wrap := func(err error) (certs, error) { return certs{}, fmt.Errorf("make the certificates: %w", err) }

	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return wrap(err)
	}
	from, to := time.Now().Add(-time.Hour), time.Now().AddDate(0, 0, 30)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "rollbook testbed"},
		NotBefore: from, NotAfter: to, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return wrap(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return wrap(err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "kube-apiserver"},
		NotBefore: from, NotAfter: to,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback, net.IPv4(10, 96, 0, 1)},
		DNSNames:    []string{"localhost", "kubernetes", "kubernetes.default.svc"},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
	if err != nil {
		return wrap(err)
	}
	saKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return wrap(err)
	}
	for _, f := range []struct {
		path, kind string
		der        []byte
	}{{c.ca, "CERTIFICATE", caDER}, {c.cert, "CERTIFICATE", leafDER}} {
		if err := writePEM(f.path, f.kind, f.der); err != nil {
			return wrap(err)
		}
	}
	for path, k := range map[string]crypto.PrivateKey{c.key: key, c.serviceKey: saKey} {
		der, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			return wrap(err)
		}
		if err := writePEM(path, "PRIVATE KEY", der); err != nil {
			return wrap(err)
		}
	}
	return c, nil
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
