package proc

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"syscall"

	"github.com/vishvananda/netlink"
)

// AddAddress puts a free address of 198.18.0.0/15 (set apart for tests of
// networks, RFC 2544) on the loopback device. The API server proxies to a service
// only where its endpoint is not in 127.0.0.0/8, so Prometheus needs another
// address that nevertheless leads to this machine alone. Needs root.
func AddAddress() (string, error) {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return "", fmt.Errorf("find the loopback device: %w", err)
	}
	for range 20 {
		ip := net.IPv4(198, 18, byte(rand.IntN(256)), byte(1+rand.IntN(254)))
		err = netlink.AddrAdd(lo, hostAddress(ip))
		if err == nil {
			return ip.String(), nil
		}
		if !errors.Is(err, os.ErrExist) && !errors.Is(err, syscall.EEXIST) {
			break
		}
	}
	return "", fmt.Errorf("add an address to the loopback device: %w", err)
}

// RemoveAddress takes the address away again; one that is gone is no error.
func RemoveAddress(ip string) error {
	parsed := net.ParseIP(ip)
	// Nothing but what AddAddress made may be removed.
	if v4 := parsed.To4(); v4 == nil || v4[0] != 198 || v4[1] != 18 {
		return fmt.Errorf("remove address %q: not one of this program's", ip)
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find the loopback device: %w", err)
	}
	if err := netlink.AddrDel(lo, hostAddress(parsed)); err != nil && !errors.Is(err, syscall.EADDRNOTAVAIL) {
		return fmt.Errorf("remove %s from the loopback device: %w", ip, err)
	}
	return nil
}

func hostAddress(ip net.IP) *netlink.Addr {
	return &netlink.Addr{IPNet: &net.IPNet{IP: ip, Mask: net.CIDRMask(32, 32)}}
}
