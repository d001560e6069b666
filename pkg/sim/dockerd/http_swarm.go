package dockerd

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"

	api "github.com/docker/docker/api/types/swarm"
)

func inspectSwarm(c *call) (answer, error) {
	s := api.Swarm{ClusterInfo: c.cluster.info, JoinTokens: c.cluster.token}
	return answer{http.StatusOK, s, fmt.Sprint(s.ID, s.Version.Index, s.JoinTokens)}, nil
}

func initSwarm(c *call) (answer, error) {
	var r api.InitRequest
	if err := c.decode(&r); err != nil {
		return answer{}, err
	}
	id, err := c.engine.init(r)
	if err != nil {
		return answer{}, err
	}
	return ok(jsonText(id))
}

// jsonText is a string that is written as JSON, not as plain text.
type jsonText string

func joinSwarm(c *call) (answer, error) {
	var r api.JoinRequest
	if err := c.decode(&r); err != nil {
		return answer{}, err
	}
	if err := c.engine.join(r); err != nil {
		return answer{}, err
	}
	return ok(nil)
}

func leaveSwarm(c *call) (answer, error) {
	if err := c.engine.leaveSwarm(c.flag("force")); err != nil {
		return answer{}, err
	}
	return ok(nil)
}

func unlockSwarm(c *call) (answer, error) {
	if _, err := c.engine.manager(); err == errNotInSwarm || err == errWorker {
		return answer{}, err
	}
	return answer{}, &apiError{http.StatusConflict, "swarm is not locked"}
}

func unlockKey(c *call) (answer, error) {
	return ok(api.UnlockKeyResponse{UnlockKey: c.cluster.unlockKey})
}

func updateSwarm(c *call) (answer, error) {
	var spec api.Spec
	if err := c.decode(&spec); err != nil {
		return answer{}, err
	}
	version, err := c.objectVersion("swarm")
	if err != nil {
		return answer{}, err
	}
	if spec.Name != "" && spec.Name != "default" {
		return answer{}, badRequest(`swarm spec must be named "default"`)
	}
	rotate := map[string]bool{}
	for _, name := range []string{"rotateWorkerToken", "rotateManagerToken", "rotateManagerUnlockKey"} {
		if raw := c.query.Get(name); raw != "" {
			if rotate[name], err = strconv.ParseBool(raw); err != nil {
				return answer{}, badRequest("invalid value for %s: %s", name, raw)
			}
		}
	}
	if version != c.cluster.info.Version.Index {
		return answer{}, errOutOfSequence
	}
	c.cluster.update(spec, rotate["rotateWorkerToken"], rotate["rotateManagerToken"])
	c.cluster.lock(rotate["rotateManagerUnlockKey"])
	return ok(nil)
}

// update replaces the cluster's specification and makes new tokens where asked.
func (c *cluster) update(spec api.Spec, worker, manager bool) {
	replaced := defaultClusterSpec()
	if c.world.dialect.zeroSwarm {
		replaced = zeroClusterSpec()
	}
	mergeClusterSpec(&replaced, spec)
	c.info.Spec = replaced
	if worker {
		c.token.Worker = c.world.newToken(c.ca)
	}
	if manager {
		c.token.Manager = c.world.newToken(c.ca)
	}
	c.stamp(&c.info.Meta, false)
}

// lock gives the managers a key that opens what they keep on their disks, or takes it away, as the specification says. Machines that start again are
// not locked here.
func (c *cluster) lock(anew bool) {
	switch locks := c.info.Spec.EncryptionConfig.AutoLockManagers; {
	case !locks:
		c.unlockKey = ""
	case anew || c.unlockKey == "":
		sum := c.world.digest("unlock")
		c.unlockKey = "SWMKEY-1-" + base64.RawStdEncoding.EncodeToString(sum[:])
	}
}

// mergeClusterSpec puts what a request names over what is there.
func mergeClusterSpec(into *api.Spec, from api.Spec) {
	if from.Labels != nil {
		into.Labels = cloneMap(from.Labels)
	}
	if l := from.Orchestration.TaskHistoryRetentionLimit; l != nil {
		limit := *l
		into.Orchestration.TaskHistoryRetentionLimit = &limit
	}
	if from.Raft.SnapshotInterval != 0 {
		into.Raft.SnapshotInterval = from.Raft.SnapshotInterval
	}
	if k := from.Raft.KeepOldSnapshots; k != nil {
		keep := *k
		into.Raft.KeepOldSnapshots = &keep
	}
	if from.Raft.LogEntriesForSlowFollowers != 0 {
		into.Raft.LogEntriesForSlowFollowers = from.Raft.LogEntriesForSlowFollowers
	}
	if from.Raft.ElectionTick != 0 {
		into.Raft.ElectionTick = from.Raft.ElectionTick
	}
	if from.Raft.HeartbeatTick != 0 {
		into.Raft.HeartbeatTick = from.Raft.HeartbeatTick
	}
	if from.Dispatcher.HeartbeatPeriod != 0 {
		into.Dispatcher.HeartbeatPeriod = from.Dispatcher.HeartbeatPeriod
	}
	if from.CAConfig.NodeCertExpiry != 0 {
		into.CAConfig.NodeCertExpiry = from.CAConfig.NodeCertExpiry
	}
	into.EncryptionConfig = from.EncryptionConfig
}
