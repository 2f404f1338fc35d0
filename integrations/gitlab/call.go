package gitlab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"mime/multipart"
	"net/http"

	"rollbook/model"
	"rollbook/text"
)

// draft is an issue as GitLab takes it.
type draft struct {
	Title        string `json:"title"`
	Description  string `json:"description"`
	Confidential bool   `json:"confidential,omitempty"`
	Labels       string `json:"labels,omitempty"` // with commas between
}

// made is what GitLab says of the issue that it made.
type made struct {
	IID    int64  `json:"iid"` // its number within the project
	WebURL string `json:"web_url"`
}

func (s *Sender) create(ctx context.Context, d draft) (made, error) {
	body, err := json.Marshal(d)
	if err != nil {
		return made{}, &model.SendError{To: s.client.String(), Why: err.Error(), Certain: true, Err: err}
	}
	var issue made
	if err := s.call(ctx, http.MethodPost, "/issues", "application/json", body, &issue); err != nil {
		return made{}, err
	}
	if issue.IID == 0 {
		return made{}, s.notGitLab()
	}
	return issue, nil
}

// attach uploads the report and returns the Markdown that links it.
func (s *Sender) attach(ctx context.Context, m model.Message) (string, *model.SendError) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("file", reportName(m))
	if err == nil {
		_, err = file.Write([]byte(s.client.redact.Lines(m.Report)))
	}
	if err = errors.Join(err, form.Close()); err != nil {
		return "", &model.SendError{To: s.client.String(), Why: err.Error(), Certain: true, Err: err}
	}
	var upload struct {
		Markdown string `json:"markdown"`
	}
	if err := s.call(ctx, http.MethodPost, "/uploads", form.FormDataContentType(), body.Bytes(), &upload); err != nil {
		return "", err
	}
	// Sanitised only: a link must stay whole.
	link := text.Clean(upload.Markdown)
	if link == "" {
		return "", s.notGitLab()
	}
	return link, nil
}

// call sends one request about the project and reads GitLab's answer into out.
func (s *Sender) call(ctx context.Context, method, path, contentType string, body []byte, out any) *model.SendError {
	header := http.Header{}
	if contentType != "" {
		header.Set("Content-Type", contentType)
	}
	status, answered, answer, err := s.client.Do(ctx, method, s.project+path, header, body)
	switch e := (*model.SendError)(nil); {
	case errors.As(err, &e):
		return e
	case status/100 != 2:
		return model.NotTaken(s.client.String(), status, answered.Get, s.explain(status, answer))
	case json.Unmarshal(answer, out) != nil:
		return s.notGitLab()
	}
	return nil
}

func (s *Sender) notGitLab() *model.SendError {
	return &model.SendError{To: s.client.String(), Why: "the answer is not GitLab's"}
}

// explain puts a refusal into words, with what to do about it.
func (s *Sender) explain(status int, body []byte) string {
	why := s.client.Said(status, body)
	switch {
	case status == http.StatusForbidden:
		return why + "; the token needs the scope api, and its user the right to create issues"
	case status == http.StatusNotFound:
		return why + "; there is no such project, or the token's user may not see it"
	case status == http.StatusRequestEntityTooLarge:
		return why + "; it is larger than this GitLab takes"
	case status/100 == 3:
		return why + "; a redirect, which is not followed: look at the URL, and whether the project was moved"
	}
	return why
}
