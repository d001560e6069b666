package explore

import (
	"fmt"
	"slices"
	"strings"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// variablesTexts are files with the variable PASSWORD: secretMark and 1, 2, 3 as SOPS encrypts them, and one that is encrypted to somebody else.
var variablesTexts = [...]string{
	`PASSWORD: ENC[AES256_GCM,data:xu4x4N9iEOz0xRdYlrXb2j4tPxmHgZ/vQVNP7A/i,iv:xw6HTG5DBqlV7vwWOOVTNINPsJAaVbc1MWGijhfkIVE=,tag:0amVfw02+zi2P4PzG30Y2Q==,type:str]
sops:
    age:
        - recipient: age1x6dzl4ptatd730ar2ltncwjx6tsdk8zlq6gcn4dv6krn53dyn37srxc5md
          enc: |
            -----BEGIN AGE ENCRYPTED FILE-----
            YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSB5UElJZ1MveWVML3krNGc0
            ZzZQWEFuTjNqaTEyWEJrdWE2ZjBtRm9FL0VjClQ3RCtXSzY1YTA5K2VmVmRRNnMv
            cjhEeWxkTGl2UkJubVdSOXpZVG5zMXMKLS0tIGZSeTZxemsvTmZvN1dUbTdVb1Vi
            ZTZzcXVaRmdxZCs4RnkvVDh0cTVvS2cKv7w+FOQt0DjsQojLLSs07Ld2G2+ioyww
            ShA/CxkbQkSbY7NjwBMUUIyFfzRdW5pCCq/nz0hjDpzaJ3GB8KYVog==
            -----END AGE ENCRYPTED FILE-----
    lastmodified: "2026-11-30T10:00:00Z"
    mac: ENC[AES256_GCM,data:1z4iJi4zP7E/goz7EVv5ozCaFzzronlazUm7BO2kIvbRI0Deu9ursvUrJN/J+ew+bm19sTpZJ5ovb370jgKbgqCn67Qykwjnt0fXBj2Za2wXqNBp24DGiK01JO7rUxUeK53kQatDFLfZJMRA4sdIWf42Cith+cbhmwcOP2V0K2g=,iv:32EoLYqrNnQ2NksCHp95+ya7y9qGso8lQhcHXBBdq2g=,tag:/swK/W3YjxVnrQrWRbHRcA==,type:str]
    version: 3.13.3
`,
	`PASSWORD: ENC[AES256_GCM,data:7xO7EtInFqXXA08I5CPc+toUCrc9xgJ2uszUkU6i,iv:83YVL+KKEy+6/BwVnYkJfqOtQ1lpOT73K62B32v1kDk=,tag:yUSEofy45oSeg5WlCw5RNg==,type:str]
sops:
    age:
        - recipient: age1x6dzl4ptatd730ar2ltncwjx6tsdk8zlq6gcn4dv6krn53dyn37srxc5md
          enc: |
            -----BEGIN AGE ENCRYPTED FILE-----
            YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSB2SXRZaU5hNUl1R3Q1YzIr
            Yk80UThQSklvQjdXWFozQVpiRWo3NHZCanlnClFDRkxCZHphZ00rdGEwbkFNUVc0
            cW0rM1dVRW15MHRiRHEwRWoyZFcwQU0KLS0tIGZrNGpUczFyVDRRN0V3Qmo3eDRr
            QUd4UjBHb3I4cGhGRVRSQmd0anZGbmcKfYPoSDbgIlJXN1AYXfb4BZnf4ocFF6SA
            802iLuuHuFB/Wa/14I7lkz1HG4hM/NCGLaDKYqTDUzY2F1w4VYvh2A==
            -----END AGE ENCRYPTED FILE-----
    lastmodified: "2026-11-30T10:00:00Z"
    mac: ENC[AES256_GCM,data:I8PFPy0SCS4E4/oLN59PiexAAijEqWIgK4yQHgdJLYt5OFULZSkxS5oeMH9iFEm+8K5o+/9Z8w0DDst64U4Zznhmgy1kB7brvlms4I5IV0ANtTnnCwAO0YczxfkWapNmMWzgF6MaoKcxZyvA1Cwh7FoDsyeVUKVkYEurPl4HAv0=,iv:A6RLwXUODvG3PjP2LTisBBPdf8v7dm49iDzjvuadFXU=,tag:MHFcgLqVTKCt/kMgg1bR2g==,type:str]
    version: 3.13.3
`,
	`PASSWORD: ENC[AES256_GCM,data:fQRDtF/ZGKpOMD1KlDM870zJiGdm5CyFvRQizhit,iv:CAB/SKMvdOSQRsYc/VnX83th8OyV64abcSz9nPUrNBM=,tag:2DAmcZ6lTercK60R5Jxzeg==,type:str]
sops:
    age:
        - recipient: age1x6dzl4ptatd730ar2ltncwjx6tsdk8zlq6gcn4dv6krn53dyn37srxc5md
          enc: |
            -----BEGIN AGE ENCRYPTED FILE-----
            YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBBSDhkZWVzbDRGT2JXM3JK
            TXV0U2FMQjZFKzlPVWFTYnlkMjU2emMyeFJ3CkZSZ0dZRk9QMDY5Zno0cWthenZB
            YnZ5TmpUZUxETU1ueEdFcngyakh4bTQKLS0tIHdFc3QzMmdJTzd5Vm4rYTF4clgx
            R0N2RXkzSFVmbFhyYStBZTFDZVdCM0UKNnvk8I1GeAKx1SQb2Wo6E10so/udYiit
            UCsn1B25I8HVwyUpEeTvI5Fw2d6L6+H0zmtalAhravr9Kf5rN928YA==
            -----END AGE ENCRYPTED FILE-----
    lastmodified: "2026-11-30T10:00:00Z"
    mac: ENC[AES256_GCM,data:UreJe8irBhG22mb66cXcZ0pA6hsukl+hXkB4gu+P37Po8kn4W4R9RKe+hqM0N7Hb3dXPljkxcSIhzteAt2ui35FNALvvQt0MqRx6oNOduQ5z7EU/EucoKAy1rel12BAAo8d6pJLAzuikdjbwqZB7CuhxP3KMujNiiRyKAmBfcTw=,iv:xtnMBpFAUDRfYNm3Ees70IlA0KJhU55rt6As5kWA9x4=,tag:pyra3h4hr1FhiUAP+iQ0oQ==,type:str]
    version: 3.13.3
`,
	`PASSWORD: ENC[AES256_GCM,data:cPO9kOFbYbyse8WsX6XLqGwXbvkv5zjzTuFNk8Z1,iv:b66WIJUJo824Ynl7dpkb/WFmQv4C2+dNUjfW1YU148A=,tag:h3Cy8Oync2wBfpfvjAvp4g==,type:str]
sops:
    age:
        - recipient: age1gddp04ycgah439zlxujz4uhttqdaxzf4x8wfl0pdnj0cpxaq5vhsfx8nkp
          enc: |
            -----BEGIN AGE ENCRYPTED FILE-----
            YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBLdzlZenUxcDA3SG12emR3
            VWNyQTVGTmF3QVA2cll0bG5WTnJWcmRuWVU4CmViNHplNlg0Z3hzUGtnbmhCWGU5
            TVYvRHgvbUoxNzRZOHgxWUF1U0x6MjAKLS0tIEVkeFNSWWdJOXlzTlNTdktvcURC
            Skw4aXBJMFl4dW0yR2gzNFJsNGlqZVEKSsI8UmulgvwsSYqPptq9Wxuxpw42WY6e
            RFh+mpeU7kChm47k/SZHYxmGwsWXuCNP9Y1AxeiY+HtAJ68Vi8hCGA==
            -----END AGE ENCRYPTED FILE-----
    lastmodified: "2026-11-30T10:00:00Z"
    mac: ENC[AES256_GCM,data:aq2vnUL2tdystwdrS0m2GRFjbaZzxPLwPUNssZGX/zHlBTi9R7PFV+UJPKBCh1vLfLSi4cfuRckJMHSF8uMfGr6Uzl4y23lse/K4YqJLYNjWhFbjY3CTIKSeHIZZpIH+jKRXG4uVDg+UB5ODD/f8egTZsQSZNVlpqqPnqtyuPO8=,iv:q9ajUxJ3N5WCESObOpSWppGhtfZCsaJ1+NcsFc4Uys4=,tag:63EL7lQEBWNAsmA00MfaWw==,type:str]
    version: 3.13.3
`,
}

// passwordEnv begins what of a service's environment has an encrypted variable: there its value may be, and nowhere else.
const passwordEnv = "PASSWORD="

// variablesFile is a file with the text as its encrypted variables.
func variablesFile(n int, roll string) file {
	return file{managers: 1, services: fmt.Sprintf("  app: { image: \"nginx:1.27\", environment: { PASSWORD: \"${PASSWORD}\" }, deploy: { replicas: 2%s } }\n", roll),
		objects: fmt.Sprintf("variables_from: shop.yaml\nx-swarmd-files: { shop.yaml: [%q] }\n", variablesTexts[n-1])}
}

// variablesWorkflows change an encrypted variable.
func variablesWorkflows(roll string) []Workflow {
	return []Workflow{
		{Name: "variables-encrypted", Sparse: 4, About: "an encrypted variable gets another value, one that swarmd cannot open, and another: the service follows, and what it cannot open changes nothing",
			Start: variablesFile(1, roll), Play: func(r *run) {
				for _, n := range []int{2, len(variablesTexts), 3} {
					if n < len(variablesTexts) {
						r.secret.Store(fmt.Sprint(secretMark, n))
					}
					r.edit(variablesFile(n, roll))
					r.wait(20 * time.Second)
				}
			}},
		{Name: "variables-of-others", Sparse: 4, About: "encrypted variables that swarmd cannot open, with another image: the service runs on as it is", Held: []string{plan.GuardVariables}, Image: "nginx:1.28",
			Start: variablesFile(1, roll), Play: func(r *run) {
				f := variablesFile(4, roll)
				f.services = strings.ReplaceAll(f.services, "nginx:1.27", "nginx:1.28")
				r.edit(f)
			}},
	}
}

// variablesDiffer says what of a service's environment is not the value that swarmd could open last.
func (r *run) variablesDiffer(v api.Service) string {
	for _, env := range v.Spec.TaskTemplate.ContainerSpec.Env {
		if value, is := strings.CutPrefix(env, passwordEnv); is && value != r.secret.Load() {
			return fmt.Sprintf("service %s has the password %s", v.Spec.Name, value)
		}
	}
	return ""
}

// withoutPassword is what tasks run, but for the encrypted variable's value; no task may get what stands for it.
func (c *checks) withoutPassword(v api.Service) api.ContainerSpec {
	out := *v.Spec.TaskTemplate.ContainerSpec
	out.Env = nil
	for _, env := range v.Spec.TaskTemplate.ContainerSpec.Env {
		if strings.Contains(env, swarm.StandIn) {
			c.run.violate("secret", "service %s has %s", v.Spec.Name, env)
		}
		if !strings.HasPrefix(env, passwordEnv) {
			out.Env = append(out.Env, env)
		}
	}
	return out
}

// variablesMutants handle encrypted variables wrongly.
func variablesMutants() []Mutant {
	return []Mutant{
		planner("takes-what-stands-for-a-value", "a service is rolled out with the text that stands for a password", func(in *plan.Input) {
			in.Stack.Services = slices.Clone(in.Stack.Services)
			for i := range in.Stack.Services {
				in.Stack.Services[i].Unopened = ""
			}
		}),
	}
}
