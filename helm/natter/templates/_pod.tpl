{{/*
What every pod has in common.

P1. Nobody is root, nothing may be gained, no token of the API server is mounted, and only /tmp can be written.
P2. Kubernetes' variables of Services are off: of a Service called natter-gateway it would make NATTER_GATEWAY_PORT=tcp://…
P3. Ready and alive are asked at the private port: ready within 2 s of the cause, alive as long as an answer comes within 10 s.
P4. Whether it is alive is asked only once it has answered: a kubelet's clock runs since the pod was made, and its first question
    may meet a process, or a restarted one, that doesn't listen yet. With a threshold of one that would be its end.
*/}}

{{/* P1, P2. dict root pod (values of the component) serviceAccount */}}
{{- define "natter.podSpec" -}}
serviceAccountName: {{ .serviceAccount }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile:
    type: RuntimeDefault
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .pod.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .pod.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .pod.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .pod.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* P1 */}}
{{- define "natter.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{/* dict root app image */}}
{{- define "natter.image" -}}
{{- $root := .root -}}
image: {{ .image | default (printf "%s/%s:%s" (trimSuffix "/" $root.Values.image.prefix) .app ($root.Values.image.tag | default $root.Chart.AppVersion)) | quote }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
{{- end -}}

{{/* P3, P4 */}}
{{- define "natter.probes" -}}
startupProbe:
  httpGet:
    path: /health/live
    port: ops
  periodSeconds: 1
  timeoutSeconds: 1
  failureThreshold: 60
readinessProbe:
  httpGet:
    path: /health/ready
    port: ops
  # A "no" comes at once and counts at once; a node that is only slow to answer keeps its clients.
  periodSeconds: 1
  timeoutSeconds: 3
  failureThreshold: 1
livenessProbe:
  httpGet:
    path: /health/live
    port: ops
  # Asked each second, so that a loop that stands still is found after eleven, and not after twenty.
  periodSeconds: 1
  timeoutSeconds: 10
  failureThreshold: 1
{{- end -}}

{{- define "natter.volumeMounts" -}}
volumeMounts:
  - name: config
    mountPath: /etc/natter
    readOnly: true
  - name: tmp
    mountPath: /tmp
  {{- if include "natter.hasNatsCreds" . }}
  - name: nats-creds
    mountPath: /etc/natter-nats
    readOnly: true
  {{- end }}
{{- end -}}

{{/* dict root config (name of the ConfigMap) */}}
{{- define "natter.volumes" -}}
volumes:
  - name: config
    configMap:
      name: {{ .config }}
  - name: tmp
    emptyDir:
      sizeLimit: 64Mi
  {{- if include "natter.hasNatsCreds" .root }}
  - name: nats-creds
    secret:
      secretName: {{ .root.Values.externalNats.existingSecret }}
      items:
        - key: {{ .root.Values.externalNats.credsKey }}
          path: nats.creds
  {{- end }}
{{- end -}}

{{- define "natter.hasNatsCreds" -}}
{{- if and (not .Values.nats.enabled) .Values.externalNats.credsKey }}true{{ end -}}
{{- end -}}
{{/* Goes on while balancers notice (kubelets do this themselves, no shell is needed). */}}
{{- define "natter.preStop" -}}
{{- if . -}}
lifecycle:
  preStop:
    sleep:
      seconds: {{ . }}
{{- end -}}
{{- end -}}
