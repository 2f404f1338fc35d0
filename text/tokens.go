package text

import "strings"

// Tokens that can be told by their form, wherever they stand.

// knownTokens are the forms of tokens that can be told without a name before
// them: a prefix and at least min more characters.
var knownTokens = []struct {
	prefix string
	min    int
}{
	{"AKIA", 16}, {"ASIA", 16}, {"AROA", 16}, {"AIDA", 16}, {"ABIA", 16}, {"ACCA", 16}, // AWS
	{"AIza", 35}, {"ya29.", 20}, {"GOCSPX-", 20}, // Google
	{"eyJ", 20},                                                          // JSON Web Token, see below
	{"ghp_", 20}, {"gho_", 20}, {"ghu_", 20}, {"ghs_", 20}, {"ghr_", 20}, // GitHub
	{"github_pat_", 20},
	{"glpat-", 16}, {"gldt-", 16}, {"glrt-", 16}, {"glcbt-", 16}, {"glptt-", 16}, {"glft-", 16}, {"glsoat-", 16}, {"glagent-", 16}, // GitLab
	{"glimt-", 16}, {"gloas-", 16}, {"glffct-", 16}, {"GR1348941", 16},
	{"xoxb-", 10}, {"xoxp-", 10}, {"xoxa-", 10}, {"xoxr-", 10}, {"xoxs-", 10}, {"xoxe-", 10}, {"xoxe.", 10}, {"xoxc-", 10}, {"xoxd-", 10}, {"xapp-", 10}, // Slack
	{"glsa_", 30}, {"glc_", 30}, // Grafana
	{"hvs.", 20}, {"hvb.", 20}, {"hvr.", 20}, // Vault
	{"sk_live_", 16}, {"rk_live_", 16}, {"sk_test_", 16}, {"rk_test_", 16}, {"whsec_", 20}, // Stripe
	{"sha256~", 40}, // OpenShift
	{"hf_", 30}, {"npm_", 30}, {"pypi-", 50}, {"dckr_pat_", 20}, {"dckr_oat_", 20}, {"dop_v1_", 40}, {"shpat_", 30}, {"SG.", 40}, {"sntrys_", 30}, {"ATATT", 40}, {"ATCTT", 40}, {"ATBB", 30},
	{"sk-ant-", 20}, {"sk-proj-", 20}, {"nvapi-", 30}, {"gsk_", 40}, {"lin_api_", 30}, {"figd_", 30}, {"dp.st.", 30}, {"dp.pt.", 30}, {"pul-", 40}, {"NRAK-", 20}, {"dapi", 32},
	{"AGE-SECRET-KEY-1", 40},
	{"LS0tLS1CRUdJTiB", 20}, // "-----BEGIN " in base64, but for certificates
}

// byFirst holds the indices of knownTokens by the first byte.
var byFirst = func() (t [256][]int) {
	for i, k := range knownTokens {
		t[k.prefix[0]] = append(t[k.prefix[0]], i)
	}
	return t
}()

func knownToken(s string, i int) (start, end int) {
	for _, n := range byFirst[s[i]] {
		k := knownTokens[n]
		if !strings.HasPrefix(s[i:], k.prefix) {
			continue
		}
		from := i + len(k.prefix)
		switch {
		case len(s) < from+k.min,
			k.prefix == "eyJ" && !dotted(s[from:]), // any JSON in base64 begins so
			k.prefix == "LS0tLS1CRUdJTiB" && s[from] == 'D',
			k.prefix == "dapi" && !hex(s[from:from+k.min]),
			len(k.prefix) == 4 && k.min == 16 && !upperDigits(s[from:from+k.min]): // ASIA-PACIFIC
			continue
		}
		end = from
		for end < len(s) && tokenByte(s[end]) {
			end++
		}
		for end > from && (s[end-1] == '.' || s[end-1] == '/') {
			end-- // the end of a sentence
		}
		if end-from >= k.min {
			return i, end
		}
	}
	return 0, 0
}

func tokenByte(c byte) bool { return alnum(c) || strings.IndexByte("_-.+/=", c) >= 0 }

// dotted reports whether a dot ends the first part of a JSON Web Token.
func dotted(s string) bool {
	s = s[:min(len(s), 2048)]
	for i := range len(s) {
		if c := s[i]; c == '.' {
			return i+1 < len(s) && tokenByte(s[i+1])
		} else if !alnum(c) && c != '_' && c != '-' {
			return false
		}
	}
	return false
}

func upperDigits(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

func hex(s string) bool {
	for i := range len(s) {
		if c := lower(s[i]); !digits(s[i:i+1]) && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// passwordHash finds a password as crypt(3) and its kind keep it, "$2y$10$…", from
// its first "$".
func passwordHash(s string, i int) (start, end int) {
	if i > 0 && alnum(s[i-1]) {
		return 0, 0
	}
	method := s[i+1 : min(len(s), i+12)]
	n := strings.IndexByte(method, '$')
	if n < 0 {
		return 0, 0
	}
	switch method[:n] {
	case "1", "2a", "2b", "2y", "5", "6", "y", "apr1", "argon2i", "argon2id", "argon2d":
	default:
		return 0, 0
	}
	end = i + 1
	for end < len(s) && (base64Byte(s[end]) || strings.IndexByte("$.,-_", s[end]) >= 0) {
		end++
	}
	for strings.IndexByte(".,", s[end-1]) >= 0 {
		end-- // the end of a sentence
	}
	if end-i < 30 {
		return 0, 0
	}
	return i, end
}
