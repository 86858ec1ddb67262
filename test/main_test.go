package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// workerBinary is cmd/portworker as `make build` makes it. PORTWORKER_TEST_BINARY
// names another build to test, one with the race detector say.
var workerBinary = os.Getenv("PORTWORKER_TEST_BINARY")

// fixtureDir holds what the tests build, until all of them are done.
var fixtureDir string

func TestMain(m *testing.M) {
	if worker := os.Getenv(parentOf); worker != "" {
		beParent(worker)
		return
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "portworker-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	fixtureDir = dir
	if workerBinary == "" {
		if workerBinary, err = build("../cmd/portworker"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	status := m.Run()
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(status, 1)
	}
	return status
}

// build builds a command of this module, static as the released one is.
func build(pkg string) (string, error) {
	binary := filepath.Join(fixtureDir, filepath.Base(pkg))
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", binary, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return binary, nil
}

// PORTWORKER_TEST_FIXTURE names another build of it.
var buildFixture = sync.OnceValues(func() (string, error) {
	if binary := os.Getenv("PORTWORKER_TEST_FIXTURE"); binary != "" {
		return binary, nil
	}
	return build("./fixture")
})

// fixture is the worker of ./fixture: what a Go developer may do that the
// handlers of cmd/portworker do not.
func fixture(t *testing.T) Option {
	t.Helper()
	binary, err := buildFixture()
	require.NoError(t, err)
	return Running(binary)
}
