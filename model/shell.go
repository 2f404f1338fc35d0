package model

// Shell is a command that takes the terminal, with which somebody works by hand.
type Shell struct {
	Args  []string // as it is run: it may hold a secret
	Words string   // as it is shown, copied and kept
}
