// Command repositories is a worker for a pipeline: it fetches what is open in a
// repository over HTTP, and makes a summary of it on the CPU lane.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"portworker"
)

type repository struct {
	Base string // where the API is
	Name string
}

// item is an issue or a pull request, as the API has it and as it travels on.
type item struct {
	Title   string    `json:"title"`
	Created time.Time `json:"created_at"`
	Labels  []string  `json:"labels"`
}

type fetched struct {
	Name   string
	Issues []item
	Pulls  []item
}

type summary struct {
	Name   string
	Issues int
	Pulls  int
	Bugs   int
	Oldest *string // the title of what has been open for longest
}

func main() {
	w := portworker.New(portworker.Config{Name: "repositories"})
	portworker.Handle(w, "fetch", fetch, portworker.Doc("Fetches a repository's open issues and pull requests."),
		portworker.Reports[string](), portworker.Retry(portworker.RetryPolicy{Backoff: 20 * time.Millisecond}))
	portworker.Handle(w, "summarize", summarize, portworker.OnLane(portworker.LaneCPU), portworker.Doc("Counts what is open."))
	portworker.Main(w)
}

// fetch asks for both lists at once.
func fetch(ctx context.Context, r repository) (fetched, error) {
	result := fetched{Name: r.Name}
	both := portworker.NewNursery(ctx, portworker.NurseryOptions{})
	both.Go(func(ctx context.Context) (err error) {
		result.Issues, err = get(ctx, r, "issues")
		return err
	})
	both.Go(func(ctx context.Context) (err error) {
		result.Pulls, err = get(ctx, r, "pulls")
		return err
	})
	if err := both.Wait(); err != nil {
		return fetched{}, err
	}
	return result, portworker.Progress(ctx, r.Name)
}

// get is worth another try when the server says that it is busy.
func get(ctx context.Context, r repository, what string) (items []item, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.Base+"/repos/"+url.PathEscape(r.Name)+"/"+what, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusServiceUnavailable:
		return nil, portworker.Retryable(fmt.Errorf("%s of %s: %s", what, r.Name, response.Status))
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s of %s: %s", what, r.Name, response.Status)
	}
	return items, json.NewDecoder(response.Body).Decode(&items)
}

func summarize(_ context.Context, f fetched) (summary, error) {
	s := summary{Name: f.Name, Issues: len(f.Issues), Pulls: len(f.Pulls)}
	var oldest *item
	for _, list := range [][]item{f.Issues, f.Pulls} {
		for i := range list {
			if oldest == nil || list[i].Created.Before(oldest.Created) {
				oldest = &list[i]
			}
			for _, label := range list[i].Labels {
				if label == "bug" {
					s.Bugs++
				}
			}
		}
	}
	if oldest != nil {
		s.Oldest = &oldest.Title
	}
	return s, nil
}
