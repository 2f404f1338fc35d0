package kube

// Kubectl returns the kubectl command that does something in the client's namespace, on
// its cluster and as its user.
func (c *Client) Kubectl(what string) string { return c.KubectlIn(c.namespace, what) }

// KubectlIn returns the kubectl command that does something in a namespace.
func (c *Client) KubectlIn(namespace, what string) string { return c.kubectl(namespace) + what }

// kubectl begins the kubectl command that does the same in a namespace.
func (c *Client) kubectl(namespace string) string {
	return "kubectl" + c.flags + " -n " + namespace + " "
}
