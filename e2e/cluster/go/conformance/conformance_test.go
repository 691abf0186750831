// The conformance suite of the Gateway API as a test binary of its own: `go test -c`.
package conformance

import (
	"testing"

	"sigs.k8s.io/gateway-api/conformance"
)

func TestConformance(t *testing.T) { conformance.RunConformance(t) }
