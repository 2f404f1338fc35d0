package metrics

// HTTPPreset is the preset `http`: the names that Prometheus' own libraries and
// instrumentation guides use, scraped from the pods themselves.
func HTTPPreset() Preset {
	return Preset{
		Requests: "http_requests_total",
		Errors:   []ErrorMark{{"status", "5.."}, {"code", "5.."}},
		Latency:  "http_request_duration_seconds_bucket",
		Owner:    byPod{"namespace", "pod"},
		Up:       byPod{"namespace", "pod"},
	}
}
