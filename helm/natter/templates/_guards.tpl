{{/* What no schema can see: values that contradict each other. Each says what to do next. */}}
{{- define "natter.guards" -}}
{{- $hasPostgres := include "natter.hasPostgres" . -}}
{{- $prefix := dig "nats" "prefix" "natter" .Values.config -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" .Release.Name) -}}
{{- fail (printf "The release is called %s, and Services can't be: take lower-case letters, digits and dashes, a letter first." .Release.Name) -}}
{{- end -}}
{{- if and (not .Values.nats.enabled) (not .Values.externalNats.url) -}}
{{- fail "There is no NATS: set nats.enabled: true, or externalNats.url to yours." -}}
{{- end -}}
{{- if and .Values.nats.enabled .Values.externalNats.url -}}
{{- fail "There are two NATS: set nats.enabled: false to use externalNats.url, or take externalNats.url away." -}}
{{- end -}}
{{- if and .Values.nats.enabled (ne $prefix .Values.nats.prefix) -}}
{{- fail (printf "config.nats.prefix is %s and nats.prefix is %s: permissions are given by the second, so make both the same." $prefix .Values.nats.prefix) -}}
{{- end -}}
{{- if and .Values.nats.enabled (gt (dig "nats" "replicas" 1 .Values.config | int) (int .Values.nats.replicas)) -}}
{{- fail (printf "config.nats.replicas wants more copies than the %d servers of nats.replicas: lower the first or raise the second." (int .Values.nats.replicas)) -}}
{{- end -}}
{{- with .Values.externalNats -}}
{{- if and (or .passwordKey .tokenKey .credsKey) (not .existingSecret) -}}
{{- fail "externalNats names a key but no Secret: set externalNats.existingSecret." -}}
{{- end -}}
{{- if and .existingSecret (not (or .passwordKey .tokenKey .credsKey)) -}}
{{- fail "externalNats names a Secret but no key in it: set externalNats.passwordKey, tokenKey or credsKey." -}}
{{- end -}}
{{- if and .passwordKey (not .user) -}}
{{- fail "externalNats has a password and nobody whose it is: set externalNats.user." -}}
{{- end -}}
{{- end -}}
{{- if and .Values.postgres.enabled .Values.externalPostgres.existingSecret -}}
{{- fail "There are two Postgres: set postgres.enabled: false to use externalPostgres, or take externalPostgres.existingSecret away." -}}
{{- end -}}
{{- if and .Values.persistence.enabled (not $hasPostgres) -}}
{{- fail "persistence.enabled is true and there is no Postgres: set postgres.enabled: true or externalPostgres.existingSecret, or persistence.enabled: false to archive nothing." -}}
{{- end -}}
{{- range (concat (list (dig "channel" "without_namespace" dict .Values.config)) (dig "channel" "namespaces" list .Values.config)) -}}
{{- $isArchived := or (eq (default "" .keep) "archive") (and (not .keep) .history_size .history_ttl) -}}
{{- if and $isArchived (not (and $hasPostgres $.Values.persistence.enabled)) -}}
{{- fail (printf "The namespace %s is archived, and nobody writes the archive: enable persistence and a Postgres, or set its keep to stream." (default "of channels without one" .name)) -}}
{{- end -}}
{{- end -}}
{{- with .Values.gateway -}}
{{- $delay := .drain.delay -}}
{{- $delaySeconds := 0 -}}
{{- if hasSuffix "ms" $delay }}{{ $delaySeconds = div (trimSuffix "ms" $delay | int) 1000 -}}
{{- else if hasSuffix "s" $delay }}{{ $delaySeconds = trimSuffix "s" $delay | int }}{{ end -}}
{{- if gt (add $delaySeconds 5) (int .terminationGracePeriodSeconds) -}}
{{- fail (printf "gateway.drain.delay (%s) leaves no time to send clients elsewhere: raise gateway.terminationGracePeriodSeconds (%d) or lower the delay." $delay (int .terminationGracePeriodSeconds)) -}}
{{- end -}}
{{- if and (eq .autoscaling.by "keda") (not .autoscaling.prometheusAddress) -}}
{{- fail "gateway.autoscaling.by is keda: set gateway.autoscaling.prometheusAddress, for example http://prometheus.monitoring:9090." -}}
{{- end -}}
{{- if and (eq .autoscaling.by "keda") (not .autoscaling.connectionsPerPod) -}}
{{- fail "gateway.autoscaling.by is keda: set gateway.autoscaling.connectionsPerPod, or scale by CPU alone with hpa." -}}
{{- end -}}
{{- if and (ne .autoscaling.by "none") (gt (int .autoscaling.minReplicas) (int .autoscaling.maxReplicas)) -}}
{{- fail "gateway.autoscaling.minReplicas is above maxReplicas: lower the first or raise the second." -}}
{{- end -}}
{{- end -}}
{{- if and .Values.tokens.previousKey (not .Values.tokens.existingSecret) -}}
{{- fail "tokens.previousKey needs tokens.existingSecret: the Secret that the chart makes has one key." -}}
{{- end -}}
{{- range $name := list "subscriptionKey" "previousSubscriptionKey" -}}
{{- if and (index $.Values.tokens $name) (not $.Values.tokens.existingSecret) -}}
{{- fail (printf "tokens.%s needs tokens.existingSecret: the Secret that the chart makes has one key." $name) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) -}}
{{- fail "ingress.enabled is true: set ingress.host to the name that clients use." -}}
{{- end -}}
{{- include "natter.guardHost" (list "ingress.host" .Values.ingress.host) -}}
{{- if and .Values.messenger.enabled (not .Values.messenger.gateways) (not .Values.ingress.enabled) -}}
{{- fail "messenger.enabled is true: set messenger.gateways to where browsers reach the gateways (ws://127.0.0.1:8000/connection/websocket behind a port-forward), or enable the ingress." -}}
{{- end -}}
{{- $own := "^NATTER_(CONFIG|OPS_\\w+|NATS_(URL|USER|PASSWORD|TOKEN|CREDS_FILE|CONNECT_TIMEOUT|ON_FULL)|POSTGRES_URL|DRAIN_\\w+|CLIENT_TOKEN_\\w+|(GATEWAY|MESSENGER)_(HOST|PORT)|MESSENGER_(GATEWAYS|TOKEN_SECRET))$" -}}
{{- range $component := list "gateway" "persistence" "messenger" -}}
{{- range $name, $_ := (get $.Values $component).env -}}
{{- if regexMatch $own $name -}}
{{- fail (printf "%s.env.%s is set by the chart itself: take it away. Addresses, secrets and the drain have values of their own." $component $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name, $app := .Values.apps -}}
{{- $app = mergeOverwrite (deepCopy $.Values.appDefaults) $app -}}
{{- include "natter.guardHost" (list (printf "apps.%s.ingress.host" $name) $app.ingress.host) -}}
{{- if and $app.ingress.host (not $app.port) -}}
{{- fail (printf "apps.%s.ingress.host is set, and it has no port: set apps.%s.port to where it answers HTTP." $name $name) -}}
{{- end -}}
{{- if ge (int $app.preStopSeconds) (int $app.terminationGracePeriodSeconds) -}}
{{- fail (printf "apps.%s.preStopSeconds leaves no time to end: raise apps.%s.terminationGracePeriodSeconds." $name $name) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.monitoring.prometheusRule.enabled (not .Values.monitoring.podMonitor.enabled) -}}
{{- fail "monitoring.prometheusRule asks for series that nobody scrapes: set monitoring.podMonitor.enabled: true too." -}}
{{- end -}}
{{- end -}}

{{/* list path host */}}
{{- define "natter.guardHost" -}}
{{- if regexMatch "[:/]" (last .) -}}
{{- fail (printf "%s is %s: write the name alone, as in natter.example.com. TLS comes with tlsSecretName." (first .) (last .)) -}}
{{- end -}}
{{- end -}}
