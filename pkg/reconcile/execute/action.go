package execute

import (
	"fmt"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
)

// ActionNames are the values of ActionName, for metrics.
func ActionNames() []string {
	return []string{"create_droplet", "record_droplet", "close_op", "open_delete", "record_rollout", "shutdown_droplet", "power_off_droplet",
		"delete_droplet", "tag_droplet", "update_node", "remove_node", "rotate_token",
		"create_network", "remove_network", "create_service", "update_service", "remove_service"}
}

// ActionName names an action, and Object what it is done to, as a hold would: "pool/NAME", "droplet/ID", "node/ID", "service/NAME".
func ActionName(a plan.Action) string { name, _ := describe(a); return name }

// Object is what the action is done to.
func Object(a plan.Action) string { _, object := describe(a); return object }

func describe(a plan.Action) (name, object string) {
	switch a := a.(type) {
	case plan.CreateDroplet:
		return "create_droplet", "pool/" + a.Pool
	case plan.RecordDroplet:
		return "record_droplet", droplet(a.DropletID)
	case plan.CloseOp:
		return "close_op", "op/" + a.OpID
	case plan.OpenDelete:
		return "open_delete", droplet(a.DropletID)
	case plan.RecordRollout:
		return "record_rollout", "service/" + a.Service
	case plan.ShutdownDroplet:
		return "shutdown_droplet", droplet(a.DropletID)
	case plan.PowerOffDroplet:
		return "power_off_droplet", droplet(a.DropletID)
	case plan.DeleteDroplet:
		return "delete_droplet", droplet(a.DropletID)
	case plan.TagDroplet:
		return "tag_droplet", droplet(a.DropletID)
	case plan.UpdateNode:
		return "update_node", "node/" + a.NodeID
	case plan.RemoveNode:
		return "remove_node", "node/" + a.NodeID
	case plan.RotateToken:
		return "rotate_token", "cluster"
	case plan.CreateNetwork:
		return "create_network", "network/" + a.Spec.Name
	case plan.RemoveNetwork:
		return "remove_network", "network/" + a.Name
	case plan.CreateService:
		return "create_service", "service/" + a.Spec.Name
	case plan.UpdateService:
		return "update_service", "service/" + a.Spec.Name
	case plan.RemoveService:
		return "remove_service", "service/" + a.Name
	}
	return "unknown", ""
}

func droplet(id int) string { return fmt.Sprintf("droplet/%d", id) }
