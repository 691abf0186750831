module tulle.dev/e2e/cluster/gateway-api

go 1.27.0

replace sigs.k8s.io/gateway-api => sigs.k8s.io/gateway-api v1.7.0

require (
	sigs.k8s.io/gateway-api v1.7.0
	sigs.k8s.io/gateway-api/conformance v1.7.0
)
