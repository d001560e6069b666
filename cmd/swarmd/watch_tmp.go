package main

import (
	"bytes"
	"context"
	"os"
	"time"
)

func watchFile(ctx context.Context, path string, _ func(error)) <-chan []byte {
	out := make(chan []byte)
	go func() {
		defer close(out)
		var last []byte
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(20 * time.Millisecond):
			}
			data, err := os.ReadFile(path)
			if err == nil && !bytes.Equal(data, last) {
				last = data
				select {
				case out <- data:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	return out
}
