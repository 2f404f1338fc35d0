package ui

import (
	"strings"

	"rollbook/model"
)

// tag is an image's last part: what differs between two releases.
func tag(image string) string {
	if i := strings.LastIndexByte(image, '/'); i >= 0 {
		image = image[i+1:]
	}
	if name, digest, ok := strings.Cut(image, "@sha256:"); ok && len(digest) > 12 {
		if strings.Contains(name, ":") {
			return name
		}
		return name + "@" + digest[:12]
	}
	return image
}

// version is what stands after the name of an image: its tag, else the beginning of its
// digest; "" where it has neither.
func version(image string) string {
	t := tag(image)
	if at, digest, ok := strings.Cut(t, "@"); ok {
		t = digest
		if strings.Contains(at, ":") {
			t = at
		}
	}
	if i := strings.LastIndexByte(t, ':'); i >= 0 {
		return t[i+1:]
	}
	return ""
}

// versions returns between which versions of an image a change is; ok = both are known,
// and they differ.
func versions(ch model.Change) (from, to string, ok bool) {
	if ch.Kind != "image" {
		return "", "", false
	}
	from, to = version(ch.From), version(ch.To)
	return from, to, from != "" && to != "" && from != to
}
