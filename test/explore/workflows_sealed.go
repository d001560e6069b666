package explore

import (
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/reconcile"
)

// explorersIdentity opens the encrypted secrets of the explorer's files, and nothing else.
const explorersIdentity = "AGE-SECRET-KEY-13DTDCVGK4N08UDLC2788H7N00ZWLCDXZ99GP40HN26SAECCY5KJQ4RCXSM"

// sealedTexts are secretMark and 1, 2, 3 as age encrypts them, and one that is encrypted to somebody else. They are written down, since age gives another
// text each time, and what is played must be the same again.
var sealedTexts = [...]string{
	"YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSA4UHcxOURLUnpTT2tZREpJ\nQ0FPMGFsQUZ3Q09hNHBLMVZORys3a1JjRW5nCi8zNGtoTFNwa1BLQnV6czJzdjJM\nUXk5QlNTemJESVNUaUVWVXF3R0dqazgKLS0tIFNUcElNWTgvc0lVUkVXai9NVmdV\nUmtBQ1dKS1ZaNC9RcnQ3QlF6aUg4REkKKAwvS5N0EGCZjzp5kiC0G05P1N6xaLZC\nsQQK2gyLzMA5B4d4H/s9ZltdtpexvKQ5p7uKuWy9ui4Gm8Tw0YU=",
	"YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBKRFhiaHFGZEFFUnd0ZjBm\nSGZsTXV3UkJrWUs2MU9TVFg2NmtDUzdkcmtRCkIrRUVyaFhIMGlmUjZ3VXF0YVR3\nZUQ1MkN6RkFJcFVPRHpGRVNmM1U4ZmMKLS0tIGhuK0FLZS8vY2M0QVJVSmxGOHo5\nWGNNNVdVSnJGUll1R1hySmpFTVNQVmcKE4VAc5WdfCL5YCbci5THixMOi2C3MsRf\nh8lv5s06yOg2bjBgB3sArvYb+qIeooU3Ar5X5T+VBp26A4GWAUY=",
	"YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBQdksxREhVblc0SmNHN2JR\nc1QrZDRWUmpQUHAwM0czME1YUUlvOXdDZ0RBCkhIQyszL1J6NXdlMHhYQ1ZlYVZm\nWTQ1R2xDaW9mZnJ5dURvSk5WWDZpNkkKLS0tIGV6SmlGMHpSc0RzRExEdEZmUkgz\nMFJYakdCNFdZZ2lvTEZzemJ5Z2N3WmMK92f2JCEfBFjU3pjC8Od2LcXHhJGzBut2\nOwhJBMNKQvdyaX4n7UQW/j2cjghwykFvK19u/DTOSJF1W+DlyGM=",
	"YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSAyKzROYXBJQ0xkYWlPREhu\ndTlkdkZndzZuUzlYRlNNMU5vcWhUU28vNXg0CkNkWFF0dDk5c0lYdHV2Ynh6NGI4\nVmI1akRUb2pxeXdjR3NDcmNCNDhvZ0UKLS0tIHdHZEhqMUlDd1ZobjZnS01vWENq\nd0F2YmNhM1NNZzlTanJZSFZMSmpDR28KYNDgsur6WNjGWlzLYi3y97Q4urEyM2el\nv1TzKnEZ492ukrA3yzmpWy3ly/TnSjXOGJJ8bjprrBStuyiP6vs=",
}

// sealedFile is a file with the text as its encrypted secret.
func sealedFile(n int, roll string) file {
	armored := "-----BEGIN AGE ENCRYPTED FILE-----\n" + sealedTexts[n-1] + "\n-----END AGE ENCRYPTED FILE-----\n"
	return file{managers: 1, services: fmt.Sprintf("  app: { image: \"nginx:1.27\", secrets: [db], deploy: { replicas: 2%s } }\n", roll),
		objects: fmt.Sprintf("secrets: { db: { file: db.age } }\nx-swarmd-files: { db.age: [%q] }\n", armored)}
}

// sealedWorkflows change an encrypted secret.
func sealedWorkflows(roll string) []Workflow {
	edit := func(r *run, n int) {
		r.secret.Store(fmt.Sprint(secretMark, n))
		r.edit(sealedFile(n, roll))
		r.wait(20 * time.Second)
	}
	return []Workflow{
		{Name: "secret-encrypted", Sparse: 4, About: "an encrypted secret gets another value, one that swarmd cannot open, and another: the service follows, and what it cannot open changes nothing",
			Start: sealedFile(1, roll), Play: func(r *run) {
				edit(r, 2)
				r.edit(sealedFile(4, roll))
				r.wait(20 * time.Second)
				edit(r, 3)
			}},
	}
}

// sealedMutants handle encrypted secrets wrongly.
func sealedMutants() []Mutant {
	return []Mutant{
		configured("tells-the-identity", "a debug line with what was read", func(c *reconcile.Config) {
			read := c.Identity
			c.Identity = func() ([]byte, error) {
				text, err := read()
				c.Log.Debug("read", zap.String("identity", strings.TrimSpace(string(text))))
				return text, err
			}
		}),
	}
}
