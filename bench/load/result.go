package main

import (
	"encoding/json"
	"os"
	"slices"
	"sync"
	"time"
)

// samples gathers times of many goroutines.
type samples struct {
	mutex sync.Mutex
	us    []float64
	first error
	wrong int
}

func (s *samples) add(times []time.Duration) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, t := range times {
		s.us = append(s.us, float64(t)/float64(time.Microsecond))
	}
}

func (s *samples) failed(err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.wrong++
	if s.first == nil {
		s.first = err
	}
}

// print writes the result as one JSON object; times in milliseconds.
func (s *samples) print(more map[string]any) error {
	slices.Sort(s.us)
	more["count"] = len(s.us)
	more["errors"] = s.wrong
	more["error"] = ""
	if s.first != nil {
		more["error"] = s.first.Error()
	}
	more["p50Ms"] = s.quantile(0.5)
	more["p99Ms"] = s.quantile(0.99)
	more["maxMs"] = s.quantile(1)
	return json.NewEncoder(os.Stdout).Encode(more)
}

func (s *samples) quantile(q float64) float64 {
	if len(s.us) == 0 {
		return 0
	}
	return s.us[min(len(s.us)-1, int(q*float64(len(s.us))))] / 1000
}
