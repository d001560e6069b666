package plan

// tagsPerPass is how many droplets are tagged in one pass at most: each costs three calls of the account's limit.
const tagsPerPass = 3

// proposeTags proposes the swarm's tag for machines of it that were made before there was one: destroy goes by it when no manager answers.
func proposeTags(v *view) []wish {
	if v.in.World.NoDroplets || v.in.World.Cluster.ID == "" {
		return nil
	}
	var wishes []wish
	for _, m := range v.machines {
		if m.class == ready && m.Owned && !m.Adopted && m.Droplet != nil && len(m.Droplet.SwarmIDs()) == 0 {
			wishes = append(wishes, wish{kind: tag, object: m.object(), machine: m})
		}
	}
	return wishes
}
