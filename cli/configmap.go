package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rollbook/config"
	"rollbook/engine"
	"rollbook/kube"
)

// configMapName is the ConfigMap of the namespace that a team may keep its
// configuration in.
const configMapName = "rollbook"

// How long the ConfigMap is waited for where it is waited for, and how long
// after a failure it is asked for again.
const (
	configMapWait  = 5 * time.Second
	configMapAgain = 30 * time.Second
)

// errAlone is why the ConfigMap is not asked for.
var errAlone = errors.New("not asked for: --config is read alone")

// withConfigMap adds the namespace's ConfigMap to what was read from files. The
// error is errAlone, kube.ErrNotFound, kube.ErrForbidden, config.Errors for one
// that is faulty, or why it could not be read.
func withConfigMap(ctx context.Context, f *flags, cfg *config.Config, c *kube.Client) (*config.Config, error) {
	if f.config != "" {
		return nil, errAlone
	}
	data, err := c.ConfigMap(ctx, configMapName)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("ConfigMap %s/%s", c.Namespace(), configMapName)
	text, ok := data[config.FileName]
	if !ok {
		return nil, config.Errors{{File: name, Msg: "has no key " + config.FileName}}
	}
	return cfg.With(config.Source{Kind: config.Cluster, Name: name, Data: []byte(text)})
}

// withConfigMapSoon is withConfigMap for a command that waits for it so long; cfg alone
// stands, where that is an error.
func withConfigMapSoon(ctx context.Context, wait time.Duration, f *flags, cfg *config.Config, c *kube.Client) (*config.Config, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	all, err := withConfigMap(ctx, f, cfg, c)
	if err != nil {
		return cfg, err
	}
	return all, nil
}

// adopt brings the ConfigMap's configuration into the walk as soon as the
// cluster hands it out. Nothing waits for it. Without one, or without the right
// to read it, nothing is said: the walk is as good without.
func adopt(ctx context.Context, f *flags, args []string, cfg *config.Config, c *kube.Client, prom *prometheus, e *engine.Engine) {
	for wait := time.Second; ctx.Err() == nil; wait = min(2*wait, configMapAgain) {
		all, err := withConfigMap(ctx, f, cfg, c)
		var faulty config.Errors
		switch {
		case err == nil:
			set, err := settings(all, c, f, args)
			if err == nil {
				err = prom.limit(all, set.Limits)
			}
			if err != nil {
				e.ConfigFailed(err.Error())
				return
			}
			c.SetTargets(set.Components)
			e.Configure(set, all.Limits.PollIdle)
			return
		case errors.As(err, &faulty):
			e.ConfigFailed(firstOf(faulty))
			return
		case errors.Is(err, errAlone), errors.Is(err, kube.ErrNotFound), errors.Is(err, kube.ErrForbidden):
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// firstOf is the first mistake, and how many more there are: the screen has two
// lines for it. rollbook config check tells them all.
func firstOf(errs config.Errors) string {
	if len(errs) == 1 {
		return errs[0].Error()
	}
	return fmt.Sprintf("%s (and %d more: rollbook config check)", errs[0].Error(), len(errs)-1)
}

// configMapLine says what became of the ConfigMap, for doctor and config check;
// failed says that it must be put right.
func configMapLine(c *kube.Client, err error) (text, do string, failed bool) {
	name := fmt.Sprintf("ConfigMap %s/%s", c.Namespace(), configMapName)
	var faulty config.Errors
	switch {
	case err == nil:
		return name + " is read", "", false
	case errors.Is(err, errAlone):
		return name + ": " + err.Error(), "", false
	case errors.Is(err, kube.ErrNotFound):
		return name + ": there is none", "", false
	case errors.Is(err, kube.ErrForbidden):
		return fmt.Sprintf("%s may not be read: %s", name, err), "ask for the verb get on configmaps/" + configMapName + ", if the team has one", false
	case errors.As(err, &faulty):
		return "not used: " + err.Error(), c.Kubectl("edit configmap " + configMapName), true
	}
	return fmt.Sprintf("%s cannot be read: %s", name, err), "", false
}
