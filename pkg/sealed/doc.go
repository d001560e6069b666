// Package sealed reads encrypted files that carry secrets: plain .age files, and files of SOPS with age recipients. It decides what counts as
// encrypted, and what the value is to who has an identity. It must not keep a value, and no error of it has one: whatever it says ends in logs.
package sealed
