package kube

// Kubectl returns the kubectl command that does something in the client's namespace, on
// its cluster and as its user.
func (c *Client) Kubectl(what string) string { return c.kubectl(c.namespace) + what }

// kubectl begins the kubectl command that does the same in a namespace.
func (c *Client) kubectl(namespace string) string {
	return "kubectl" + c.flags + " -n " + namespace + " "
}
