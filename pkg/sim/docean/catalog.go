package docean

import (
	"math"
	"time"
)

// Size is a droplet size on offer.
type Size struct {
	Slug         string
	Description  string
	VCPUs        int
	MemoryMB     int
	DiskGB       int
	TransferTB   float64
	PriceMonthly float64 // US dollars
	Unavailable  bool    // listed, but nothing can be created with it
}

// hourly is the price of an hour: a month is billed as at most 672 hours.
func (s Size) hourly() float64 { return math.Round(s.PriceMonthly/672*1e5) / 1e5 }

// Image is an operating system or application that droplets boot.
type Image struct {
	ID           int
	Slug         string
	Name         string
	Distribution string // one of DigitalOcean's list: "Ubuntu", "Debian", …
	MinDiskGB    int
	Taken        time.Time // of a snapshot; it has no slug
	Application  bool      // a one-click image, listed as an application, not as a distribution
}

// DefaultSizes are the Basic sizes and two larger ones, at DigitalOcean's prices of 2025.
func DefaultSizes() []Size {
	return []Size{
		{Slug: "s-1vcpu-512mb-10gb", Description: "Basic", VCPUs: 1, MemoryMB: 512, DiskGB: 10, TransferTB: 0.5, PriceMonthly: 4},
		{Slug: "s-1vcpu-1gb", Description: "Basic", VCPUs: 1, MemoryMB: 1024, DiskGB: 25, TransferTB: 1, PriceMonthly: 6},
		{Slug: "s-1vcpu-2gb", Description: "Basic", VCPUs: 1, MemoryMB: 2048, DiskGB: 50, TransferTB: 2, PriceMonthly: 12},
		{Slug: "s-2vcpu-2gb", Description: "Basic", VCPUs: 2, MemoryMB: 2048, DiskGB: 60, TransferTB: 3, PriceMonthly: 18},
		{Slug: "s-2vcpu-4gb", Description: "Basic", VCPUs: 2, MemoryMB: 4096, DiskGB: 80, TransferTB: 4, PriceMonthly: 24},
		{Slug: "s-4vcpu-8gb", Description: "Basic", VCPUs: 4, MemoryMB: 8192, DiskGB: 160, TransferTB: 5, PriceMonthly: 48},
		{Slug: "s-8vcpu-16gb", Description: "Basic", VCPUs: 8, MemoryMB: 16384, DiskGB: 320, TransferTB: 6, PriceMonthly: 96},
		{Slug: "c-4", Description: "CPU-Optimized", VCPUs: 4, MemoryMB: 8192, DiskGB: 50, TransferTB: 5, PriceMonthly: 84},
		{Slug: "c-2", Description: "CPU-Optimized", VCPUs: 2, MemoryMB: 4096, DiskGB: 25, TransferTB: 4, PriceMonthly: 42},
		{Slug: "g-2vcpu-8gb", Description: "General Purpose", VCPUs: 2, MemoryMB: 8192, DiskGB: 25, TransferTB: 4, PriceMonthly: 63},
	}
}

// DefaultImages are the images that swarmd's users name.
func DefaultImages() []Image {
	return []Image{
		{ID: 72067660, Slug: "docker-20-04", Name: "Docker 25.0.3 on Ubuntu 22.04", Distribution: "Ubuntu", MinDiskGB: 10, Application: true},
		{ID: 112929408, Slug: "ubuntu-20-04-x64", Name: "20.04 (LTS) x64", Distribution: "Ubuntu", MinDiskGB: 7},
		{ID: 159651797, Slug: "ubuntu-22-04-x64", Name: "22.04 (LTS) x64", Distribution: "Ubuntu", MinDiskGB: 7},
		{ID: 195932981, Slug: "ubuntu-24-04-x64", Name: "24.04 (LTS) x64", Distribution: "Ubuntu", MinDiskGB: 7},
		{ID: 119383150, Slug: "debian-11-x64", Name: "11 x64", Distribution: "Debian", MinDiskGB: 7},
		{ID: 133538486, Slug: "debian-12-x64", Name: "12 x64", Distribution: "Debian", MinDiskGB: 7},
	}
}

// AllRegions are the slugs of the regions that take new droplets.
func AllRegions() []string {
	return []string{"ams3", "blr1", "fra1", "lon1", "nyc1", "nyc3", "sfo3", "sgp1", "syd1", "tor1"}
}

func regionName(slug string) string {
	city := map[string]string{
		"ams": "Amsterdam", "blr": "Bangalore", "fra": "Frankfurt", "lon": "London", "nyc": "New York",
		"sfo": "San Francisco", "sgp": "Singapore", "syd": "Sydney", "tor": "Toronto",
	}
	if len(slug) != 4 || city[slug[:3]] == "" {
		return slug
	}
	return city[slug[:3]] + " " + slug[3:]
}
