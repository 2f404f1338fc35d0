package model

// Open are the choices that are still to be written, in the order in which they
// will be: what the confirmation's page shows and asks to confirm.
func (i *Incident) Open() []Choice { return openChoices(i) }
