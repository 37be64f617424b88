{{/* Refuse values that the JSON schema cannot check, before anything is applied. */}}
{{- define "duet.checks" -}}
{{- $chart := printf "duet-%s" (include "duet.component" .) }}
{{- with .Values.shutdown }}
{{- if le (int .gracePeriodSeconds) (add .preStopSeconds .drainSeconds | int) }}
{{- fail (printf "%s: shutdown.gracePeriodSeconds (%d) must be greater than preStopSeconds + drainSeconds (%d + %d), otherwise pods are killed while they drain" $chart (int .gracePeriodSeconds) (int .preStopSeconds) (int .drainSeconds)) }}
{{- end }}
{{- end }}
{{- with .Values.autoscaling }}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) }}
{{- fail (printf "%s: autoscaling.minReplicas (%d) must be at most autoscaling.maxReplicas (%d)" $chart (int .minReplicas) (int .maxReplicas)) }}
{{- end }}
{{- end }}
{{- with .Values.migrations }}
{{- if le (int .activeDeadlineSeconds) (int .waitSeconds) }}
{{- fail (printf "%s: migrations.activeDeadlineSeconds (%d) must be greater than migrations.waitSeconds (%d), because the Job may wait that long for the database before it migrates" $chart (int .activeDeadlineSeconds) (int .waitSeconds)) }}
{{- end }}
{{- end }}
{{- with .Values.database.tls }}
{{- if and .caSecret (not (has .mode (list "verify-ca" "verify-full"))) }}
{{- fail (printf "%s: database.tls.caSecret is set, but database.tls.mode %q does not verify certificates: set database.tls.mode=verify-full" $chart .mode) }}
{{- end }}
{{- end }}
{{- end }}

{{/* (list $ contexts): compare the connections that the services may open with the number that the
     server allows. A service behind a pooler does not count: the pooler limits its connections. */}}
{{- define "duet.checkConnections" -}}
{{- $postgres := (index . 0).Values.global.duet.postgres }}
{{- $allowed := sub $postgres.maxConnections $postgres.reservedConnections | int }}
{{- $needed := 0 }}
{{- $counted := list }}
{{- range index . 1 }}
{{- $database := .Values.database }}
{{- if not $database.pooler }}
{{- $pods := include "duet.maxPods" . | int }}
{{- $each := add $database.poolSize $database.maxOverflow $database.readPoolSize | int }}
{{- $needed = add $needed (mul $pods $each) | int }}
{{- $counted = append $counted (printf "%s: %d pods (one more than its replicas during a rolling update) x %d" (include "duet.component" .) $pods $each) }}
{{- end }}
{{- end }}
{{- if gt $needed $allowed }}
{{- fail (printf "duet: the services may open %d database connections (%s), but PostgreSQL allows %d (global.duet.postgres.maxConnections %d - reservedConnections %d): lower replicas or database.poolSize, maxOverflow and readPoolSize, raise global.duet.postgres.maxConnections, or use a pooler and set database.pooler=true" $needed (join "; " $counted) $allowed (int $postgres.maxConnections) (int $postgres.reservedConnections)) }}
{{- end }}
{{- end }}
