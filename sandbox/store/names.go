package store

// A name that the API server makes up is at most as long as a label's value may
// be; the last characters of it are random.
const (
	longestName  = 63
	randomLength = 5
	longestBase  = longestName - randomLength
)

// letters are those of Kubernetes' generated names: no vowels, so no words.
const letters = "bcdfghjklmnpqrstvwxz2456789"

// GenerateName returns base with a random ending, as the API server makes a name
// of metadata.generateName: what is too long of base is cut, its dash as well.
// pick returns a number from 0 up to, but not including, n.
func GenerateName(base string, pick func(n int) int) string {
	if len(base) > longestBase {
		base = base[:longestBase]
	}
	b := make([]byte, randomLength)
	for i := range b {
		b[i] = letters[pick(len(letters))]
	}
	return base + string(b)
}
