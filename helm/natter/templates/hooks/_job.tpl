{{/*
H1. An upgrade's pods start behind it: what they need is there.
H2. At an install, NATS and Postgres of the release come first, so it is after. So it is when an upgrade brings them: they are there
    if their StatefulSet is. (A Secret may be there without them: it is kept when they are switched off, and may be made by hand.)
*/}}
{{/* dict root subchart (what the hook needs: nats or postgres) */}}
{{- define "natter.hookEvents" -}}
{{- $server := include "natter.name" (dict "root" .root "component" .subchart) -}}
{{- $isOurs := (get .root.Values .subchart).enabled -}}
{{- if and .root.Release.IsUpgrade $isOurs (not (lookup "apps/v1" "StatefulSet" .root.Release.Namespace $server)) -}}
post-upgrade
{{- else -}}
post-install,pre-upgrade
{{- end -}}
{{- end -}}

{{/* It runs where the pods of its app may. dict root job app pod (values of the component) config events env */}}
{{- define "natter.hookJob" -}}
{{- $names := dict "root" .root "component" .job -}}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ include "natter.name" $names }}
  labels:
    {{- include "natter.labels" $names | nindent 4 }}
  annotations:
    helm.sh/hook: {{ .events }}
    helm.sh/hook-weight: '0'
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  backoffLimit: 3
  activeDeadlineSeconds: {{ .root.Values.hooks.activeDeadlineSeconds }}
  template:
    metadata:
      labels:
        {{- include "natter.podLabels" $names | nindent 8 }}
    spec:
      {{- include "natter.podSpec" (dict "root" .root "pod" (pick .pod "nodeSelector" "tolerations" "priorityClassName") "serviceAccount" (include "natter.serviceAccount" (dict "root" .root "component" "hooks"))) | nindent 6 }}
      restartPolicy: Never
      containers:
        - name: {{ .job }}
          {{- include "natter.image" (dict "root" .root "app" .app "image" .pod.image) | nindent 10 }}
          args: [src/{{ .job }}.js]
          {{- include "natter.containerSecurity" .root | nindent 10 }}
          env:
            - name: NATTER_CONFIG
              value: /etc/natter/natter.yaml
            {{- range .env }}
            {{- with . }}
            {{- . | nindent 12 }}
            {{- end }}
            {{- end }}
          resources:
            {{- toYaml .root.Values.hooks.resources | nindent 12 }}
          {{- include "natter.volumeMounts" .root | nindent 10 }}
      {{- include "natter.volumes" (dict "root" .root "config" .config) | nindent 6 }}
{{- end -}}
