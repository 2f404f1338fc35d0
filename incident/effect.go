package incident

// Effect is something that the engine has to do. It changes the incident only by
// the input that its outcome comes back as. WritePlan alone changes the cluster's
// workloads; it and SendOut start when the facts that they came with are on disk.
type Effect interface {
	run(r Runner)
}

// Start hands an effect to the method of r that is named after it.
func Start(x Effect, r Runner) { x.run(r) }

// Runner runs every kind of effect. None of its methods waits for an outcome.
type Runner interface {
	OpenJournal(OpenJournal)
	ReadHistory(ReadHistory)
	ReadBaseline(ReadBaseline)
	CheckPlan(CheckPlan)
	WritePlan(WritePlan)
	LookPlan(LookPlan)
	PostEvent(PostEvent)
	GatherEvidence(GatherEvidence)
	MeasureImpact(MeasureImpact)
	MakeReport(MakeReport)
	SendOut(SendOut)
	LendTerminal(LendTerminal)
	TakeLease(TakeLease)
	TakeUpJournal(TakeUpJournal)
	AbandonJournal(AbandonJournal)
}
