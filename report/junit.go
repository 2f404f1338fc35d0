package report

import (
	"encoding/xml"
	"time"

	"rollbook/incident"
)

// suite is a test suite in the form that CI systems read, that of JUnit
// (https://github.com/testmoapp/junitxml).
type suite struct {
	XMLName  xml.Name `xml:"testsuite"`
	Name     string   `xml:"name,attr"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Time     float64  `xml:"time,attr"` // in seconds
	At       string   `xml:"timestamp,attr,omitempty"`
	Cases    []test   `xml:"testcase"`
}

type test struct {
	Name    string   `xml:"name,attr"`
	Class   string   `xml:"classname,attr"`
	Time    float64  `xml:"time,attr"`
	Failure *failure `xml:"failure"`
}

type failure struct {
	Message string `xml:"message,attr"`
}

// JUnit returns what a drill came to as a JUnit suite: a case for each of its steps, which
// fails when it was left out or not come to, and one for the target.
func JUnit(i *incident.Incident) ([]byte, error) {
	out := suite{Name: "rollback drill " + i.ID}
	add := func(name string, took time.Duration, why string) {
		t := test{Name: name, Class: "rollbook.drill", Time: took.Seconds()}
		if why != "" {
			t.Failure = &failure{Message: why}
			out.Failures++
		}
		out.Cases = append(out.Cases, t)
		out.Tests++
	}
	if p := i.Procedure(incident.CourseDrill); p != nil {
		out.At = p.Began.UTC().Format("2006-01-02T15:04:05")
		last := p.Began
		for _, s := range p.Steps {
			why := ""
			switch s.State {
			case incident.ItemOpen:
				why = "it was not come to"
			case incident.ItemWaived:
				why = "left out: " + s.Reason
			}
			took := max(0, s.At.Sub(last)) // of one that is open: 0
			last = last.Add(took)
			add(s.Text, took, why)
		}
		out.Time = last.Sub(p.Began).Seconds()
	}
	took := time.Duration(0)
	if r := i.Rehearsed(); r != nil {
		took = r.Recover
	}
	add("recovered within the target", took, i.DrillMissed())
	raw, err := xml.MarshalIndent(out, "", "  ")
	if err != nil {
		return nil, err
	}
	return append([]byte(xml.Header), append(raw, '\n')...), nil
}
