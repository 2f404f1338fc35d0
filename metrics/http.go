package metrics

// HTTPPreset is the preset `http`: the names that Prometheus' own libraries and
// instrumentation guides use, scraped from the pods themselves.
func HTTPPreset() Preset {
	return Preset{
		Requests: "http_requests_total",
		Outcome: Outcome{
			// Libraries do not agree on the name; the usual ones come first.
			Labels: []string{"status", "code", "status_code", "http_status", "http_status_code", "http_code", "response_code", "response_status",
				"http_response_status_code", "http_response_code", "statusCode", "status_class", "code_class", "status_group", "class"},
			Good:   "[1-4]([0-9][0-9]|xx|XX)",
			Failed: "5..",
		},
		Latency: "http_request_duration_seconds_bucket",
		Owner:   byPod{"namespace", "pod"},
		Up:      byPod{"namespace", "pod"},
	}
}
