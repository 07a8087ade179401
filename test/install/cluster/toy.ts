/** A pod to try the cluster with: a page that does as it is told, and manifests around it. */
import { join } from 'node:path'
import type { Images } from '../shared/programs.js'
import { parseManifests, type Manifest } from './manifests.js'

const page = join(import.meta.dirname, 'toy-page.mjs')

/** `command` runs as it is; without it the page does. */
export const toyImages: Images = {
  app: { entrypoint: [], cmd: [], env: {}, workdir: '/' },
  build: '/nowhere',
  others: new Map([
    [
      'toy',
      ({ args = [] }) => ({
        kind: 'process',
        file: process.execPath,
        args: args.length > 0 ? ['-e', ...args] : [page],
        env: {},
      }),
    ],
  ]),
}

/** @param pod what differs, as YAML of the pod's spec. */
export const toyDeployment = (
  replicas: number,
  pod: string,
  container: string,
  annotation = 'first',
): Manifest[] =>
  parseManifests(`
kind: Service
metadata: { name: toy }
spec:
  selector: { app: toy }
  ports: [{ name: web, port: 80, targetPort: web }]
---
kind: Deployment
metadata: { name: toy }
spec:
  replicas: ${replicas}
  strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }
  template:
    metadata: { labels: { app: toy }, annotations: { turn: ${annotation} } }
    spec:
      ${pod}
      containers:
        - name: page
          image: toy
          ports: [{ name: web, containerPort: 8080 }]
          readinessProbe: { httpGet: { path: /ready, port: web }, periodSeconds: 1, failureThreshold: 1 }
          ${container}
`)
