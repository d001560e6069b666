package digitalocean

// scopes has, by the call as errors name it, what a token with custom scopes must have for it. Source: DigitalOcean's reference of token scopes.
func scopes() map[string]string {
	return map[string]string{
		"list droplets":  "droplet:read",
		"get droplet":    "droplet:read",
		"create droplet": "droplet:create, and with it regions:read, sizes:read, image:read, ssh_key:read, vpc:read, tag:create",
		"delete droplet": "droplet:delete",
		"tag droplet":    "tag:create",
		"resize droplet": "droplet:update and droplet:create",
		"get action":     "actions:read",
		"get account":    "account:read",
		"list sizes":     "sizes:read",
		"list regions":   "regions:read",
		"list images":    "image:read",
		"get image":      "image:read",
		"list ssh keys":  "ssh_key:read",
		"list vpcs":      "vpc:read",
	}
}

// Scope is the scope that a token needs for a call, by the Op of its *apierr.Error. Of those that are not in the table, which change a droplet's
// power, it is droplet:update.
func Scope(op string) string {
	if s, ok := scopes()[op]; ok {
		return s
	}
	return "droplet:update"
}
