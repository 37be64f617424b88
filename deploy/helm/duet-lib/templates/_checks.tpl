{{/* Values that a schema cannot judge, refused before anything is applied. */}}
{{- define "duet.checks" -}}
{{- $chart := printf "duet-%s" (include "duet.component" .) }}
{{- with .Values.shutdown }}
{{- if le (int .gracePeriodSeconds) (add .preStopSeconds .drainSeconds | int) }}
{{- fail (printf "%s: shutdown.gracePeriodSeconds (%d) must be more than preStopSeconds + drainSeconds (%d + %d): a pod would be killed while it drains" $chart (int .gracePeriodSeconds) (int .preStopSeconds) (int .drainSeconds)) }}
{{- end }}
{{- end }}
{{- with .Values.autoscaling }}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) }}
{{- fail (printf "%s: autoscaling.minReplicas (%d) is more than autoscaling.maxReplicas (%d)" $chart (int .minReplicas) (int .maxReplicas)) }}
{{- end }}
{{- end }}
{{- with .Values.migrations }}
{{- if le (int .activeDeadlineSeconds) (int .waitSeconds) }}
{{- fail (printf "%s: migrations.activeDeadlineSeconds (%d) must be more than migrations.waitSeconds (%d), which is spent waiting for the database alone" $chart (int .activeDeadlineSeconds) (int .waitSeconds)) }}
{{- end }}
{{- end }}
{{- with .Values.database.tls }}
{{- if and .caSecret (not (has .mode (list "verify-ca" "verify-full"))) }}
{{- fail (printf "%s: database.tls.caSecret is set, but database.tls.mode %q does not look at it; use verify-full" $chart .mode) }}
{{- end }}
{{- end }}
{{- end }}

{{/* (list $ contexts): the connections that the services may open, against what the server allows.
     A pooler shares them out, so a service behind one does not count. */}}
{{- define "duet.checkConnections" -}}
{{- $postgres := (index . 0).Values.global.duet.postgres }}
{{- $most := sub $postgres.maxConnections $postgres.reservedConnections | int }}
{{- $needed := 0 }}
{{- $said := list }}
{{- range index . 1 }}
{{- $database := .Values.database }}
{{- if not $database.pooler }}
{{- $pods := include "duet.mostPods" . | int }}
{{- $each := add $database.poolSize $database.maxOverflow $database.readPoolSize | int }}
{{- $needed = add $needed (mul $pods $each) | int }}
{{- $said = append $said (printf "%s: %d pods (one more than its replicas, while they roll) x %d" (include "duet.component" .) $pods $each) }}
{{- end }}
{{- end }}
{{- if gt $needed $most }}
{{- fail (printf "duet: the services may open %d database connections (%s), but PostgreSQL allows %d (global.duet.postgres.maxConnections %d - reservedConnections %d): lower replicas or database.poolSize, maxOverflow and readPoolSize, raise maxConnections, or put a pooler between them" $needed (join "; " $said) $most (int $postgres.maxConnections) (int $postgres.reservedConnections)) }}
{{- end }}
{{- end }}
