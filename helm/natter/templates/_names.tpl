{{/*
Names and labels.

N1. Every name begins with the release's, so two releases in a namespace never meet.
N2. Every name fits into 63 characters, and a StatefulSet's into 52: a longer release name is cut, and told apart by a hash of all of it.
N3. A selector is two labels of which one is the release and one the component; no two workloads share both.
*/}}

{{/* N2: at most 40 characters. The sub-charts have the same rule of their own. */}}
{{- define "natter.release" -}}
{{- if gt (len .Release.Name) 40 -}}
{{- printf "%s-%s" (.Release.Name | trunc 31 | trimSuffix "-") (.Release.Name | sha256sum | trunc 8) -}}
{{- else -}}
{{- .Release.Name -}}
{{- end -}}
{{- end -}}

{{/* dict root component */}}
{{- define "natter.name" -}}
{{- printf "%s-%s" (include "natter.release" .root) .component -}}
{{- end -}}

{{/* N3. dict root component */}}
{{- define "natter.selector" -}}
app.kubernetes.io/instance: {{ include "natter.release" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* dict root component */}}
{{- define "natter.labels" -}}
{{ include "natter.selector" . }}
app.kubernetes.io/name: natter
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{/* dict root component */}}
{{- define "natter.serviceAccount" -}}
{{- if .root.Values.serviceAccount.create }}{{ include "natter.name" . }}{{ else }}default{{ end -}}
{{- end -}}

{{/* Without the version of the chart: a new one makes no pod anew that is as before. dict root component */}}
{{- define "natter.podLabels" -}}
{{ include "natter.selector" . }}
app.kubernetes.io/name: natter
{{- end -}}

{{/* The pods of several components, as a label selector. dict root components */}}
{{- define "natter.componentsIn" -}}
matchLabels:
  app.kubernetes.io/instance: {{ include "natter.release" .root }}
matchExpressions:
  - key: app.kubernetes.io/component
    operator: In
    values:
      {{- range .components }}
      - {{ . }}
      {{- end }}
{{- end -}}
