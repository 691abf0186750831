/** A Service, its two versions, a pod of each, a client, and routes: one by the owner, one by another namespace, one wrong. */
export const shop = `
apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { tulle.dev/mesh: enabled } }
---
apiVersion: v1
kind: Namespace
metadata: { name: qa }
---
${service('cart', '10.96.0.10')}
---
${service('cart-v1', '10.96.0.11')}
---
${slice('cart-v1', 'cart-v1', 'n1', '10.244.1.11')}
---
${service('cart-v2', '10.96.0.12')}
---
${slice('cart-v2', 'cart-v2', 'n2', '10.244.2.12')}
---
${pod('cart-v1', 'n1', '10.244.1.11', 'cart')}
---
${pod('cart-v2', 'n2', '10.244.2.12', 'cart')}
---
${pod('web', 'n1', '10.244.1.13', 'web')}
---
${canary(90, 10)}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { namespace: qa, name: cart-always-v2 }
spec:
  parentRefs: [{ group: '', kind: Service, namespace: shop, name: cart }]
  rules: [{ backendRefs: [{ namespace: shop, name: cart-v2, port: 80 }] }]
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: { namespace: shop, name: from-qa }
spec:
  from: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: qa }]
  to: [{ group: '', kind: Service }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { namespace: shop, name: old }
spec:
  parentRefs: [{ group: '', kind: Service, name: carts }]
  rules: [{ backendRefs: [{ name: cart-v1, port: 80 }] }]
`;

/** The owner's route: testers get v2, everybody else a share of each. */
export function canary(v1: number, v2: number): string {
  return `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { namespace: shop, name: cart-canary }
spec:
  parentRefs: [{ group: '', kind: Service, name: cart, port: 80 }]
  rules:
    - matches: [{ headers: [{ name: X-Team, value: qa }] }]
      backendRefs: [{ name: cart-v2, port: 80 }]
    - backendRefs:
        - { name: cart-v1, port: 80, weight: ${v1} }
        - { name: cart-v2, port: 80, weight: ${v2} }
      timeouts: { request: 2s }`;
}

function service(name: string, clusterIP: string): string {
  return `apiVersion: v1
kind: Service
metadata: { namespace: shop, name: ${name} }
spec:
  clusterIP: ${clusterIP}
  selector: { app: ${name} }
  ports: [{ name: http, port: 80, targetPort: 8080, appProtocol: http }]`;
}

function slice(ofService: string, ofPod: string, node: string, address: string): string {
  return `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { namespace: shop, name: ${ofService}-1, labels: { kubernetes.io/service-name: ${ofService} } }
addressType: IPv4
ports: [{ name: http, port: 8080, protocol: TCP }]
endpoints:
  - addresses: [${address}]
    nodeName: ${node}
    conditions: { ready: true }
    targetRef: { kind: Pod, namespace: shop, name: ${ofPod}, uid: uid-${ofPod} }`;
}

function pod(name: string, node: string, ip: string, serviceAccount: string): string {
  return `apiVersion: v1
kind: Pod
metadata: { namespace: shop, name: ${name}, uid: uid-${name}, labels: { app: ${name} } }
spec: { nodeName: ${node}, serviceAccountName: ${serviceAccount}, containers: [{ name: app, ports: [{ containerPort: 8080 }] }] }
status: { phase: Running, podIP: ${ip}, podIPs: [{ ip: ${ip} }], conditions: [{ type: Ready, status: 'True' }] }`;
}
