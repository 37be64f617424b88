{{/* Environment variables of a service. They are all in the pod template, so that every change
     replaces the pods. */}}
{{- define "duet.environment" -}}
{{- $duet := .Values.global.duet -}}
- {name: HOST, value: 0.0.0.0}
- {name: PORT, value: "8000"}
- {name: LOG_FORMAT, value: json}
- {name: LOG_LEVEL, value: {{ $duet.logLevel }}}
- {name: TOKEN_ISSUER, value: {{ $duet.tokenIssuer | quote }}}
- {name: TOKEN_AUDIENCE, value: {{ $duet.tokenAudience | quote }}}
- {name: RATE_LIMIT_ENABLED, value: {{ $duet.rateLimits | quote }}}
- {name: DRAIN_SECONDS, value: {{ .Values.shutdown.drainSeconds | quote }}}
{{- with $duet.trustedProxies }}
- {name: TRUSTED_PROXIES, value: {{ join "," . | quote }}}
{{- end }}
{{- with $duet.allowedOrigins }}
- {name: ALLOWED_ORIGINS, value: {{ toJson . | quote }}}
{{- end }}
{{- include "duet.databaseEnvironment" . }}
{{ include (printf "duet.environment.%s" (include "duet.component" .)) . }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "duet.databaseEnvironment" -}}
{{- $database := .Values.database }}
{{- $url := printf "%s_DATABASE_URL" (include "duet.component" . | upper) }}
{{- $secret := include "duet.databaseSecret" . }}
{{- if $database.host }}
- name: DATABASE_PASSWORD
  valueFrom:
    secretKeyRef: {name: {{ $secret }}, key: {{ $database.passwordKey }}}
- name: {{ $url }}
  value: {{ printf "postgresql://%s:$(DATABASE_PASSWORD)@%s:%d/%s" $database.user $database.host (int $database.port) $database.name | quote }}
{{- else }}
- name: {{ $url }}
  valueFrom:
    secretKeyRef: {name: {{ $secret }}, key: {{ $database.urlKey }}}
{{- end }}
- {name: DATABASE_POOL_SIZE, value: {{ $database.poolSize | quote }}}
- {name: DATABASE_MAX_OVERFLOW, value: {{ $database.maxOverflow | quote }}}
- {name: DATABASE_READ_POOL_SIZE, value: {{ $database.readPoolSize | quote }}}
{{- if $database.pooler }}
- {name: DATABASE_POOLER, value: "true"}
{{- end }}
{{- with $database.tls.mode }}
- {name: PGSSLMODE, value: {{ . }}}
{{- end }}
{{- if $database.tls.caSecret }}
- {name: PGSSLROOTCERT, value: /etc/duet/database-ca/ca.crt}
{{- end }}
{{- end }}

{{/* The name of the Secret that holds the URL or the password of a service's database. */}}
{{- define "duet.databaseSecret" -}}
{{- $component := include "duet.component" . }}
{{- $database := .Values.database }}
{{- $duet := .Values.global.duet }}
{{- if $database.existingSecret }}
{{- $database.existingSecret }}
{{- else if $database.host }}
{{- fail (printf "duet-%s: database.host is set, so database.existingSecret must name a Secret that holds the password under the key %q" $component $database.passwordKey) }}
{{- else if not $duet.createSecrets }}
{{- fail (printf "duet-%s: set database.existingSecret to a Secret that holds the database's URL under the key %q; only the chart `duet` creates Secrets, and only if global.duet.createSecrets is true" $component $database.urlKey) }}
{{- else if not $duet.postgres.enabled }}
{{- fail (printf "duet-%s: global.duet.postgres.enabled is false, so there is no database: set database.existingSecret to a Secret that holds the URL of an external database under the key %q" $component $database.urlKey) }}
{{- else }}
{{- include "duet.name" (list . (printf "%s-database" $component)) }}
{{- end }}
{{- end }}

{{- define "duet.tracingEnvironment" -}}
{{- $tracing := .Values.global.duet.tracing }}
{{- if $tracing.endpoint }}
- name: POD_NAME
  valueFrom:
    fieldRef: {fieldPath: metadata.name}
- {name: OTEL_SERVICE_NAME, value: duet-{{ include "duet.component" . }}}
- {name: OTEL_RESOURCE_ATTRIBUTES, value: {{ printf "service.namespace=%s,service.version=%s,k8s.namespace.name=%s,k8s.pod.name=$(POD_NAME)" .Release.Name .Chart.AppVersion .Release.Namespace | quote }}}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ $tracing.endpoint | quote }}}
- {name: OTEL_EXPORTER_OTLP_PROTOCOL, value: http/protobuf}
- {name: OTEL_TRACES_SAMPLER, value: parentbased_traceidratio}
- {name: OTEL_TRACES_SAMPLER_ARG, value: {{ $tracing.sampleRatio | quote }}}
{{- end }}
{{- end }}
