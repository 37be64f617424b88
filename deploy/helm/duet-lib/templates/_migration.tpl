{{/* A service's migration Jobs.

The plain one runs beside the pods: on installation the database may be in the same release, so no
hook could run before them; pods wait by their readiness. On an upgrade a hook comes first, and is
done before the pods roll: when it fails, the release fails and the old pods serve on. It leaves a
database that has no address yet to the plain one: an installation that failed early is mended by an
upgrade. A rollback runs no hook; the plain Job finds a later schema and leaves it.

The plain Job's name holds a hash of its pod: a changed one is another Job, and no refused change of
an immutable field. */}}
{{- define "duet.migration" -}}
{{- $component := printf "%s-migrate" (include "duet.component" .) }}
{{- $pod := include "duet.migrationPod" (list . $component (list)) }}
{{- if .Values.migrations.enabled }}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ include "duet.name" (list . (printf "%s-%s" $component (sha256sum $pod | trunc 8))) }}
  labels: {{- include "duet.labels" (list . $component) | nindent 4 }}
spec:
  {{- include "duet.migrationLimits" . | nindent 2 }}
  template: {{- $pod | nindent 4 }}
{{- if .Release.IsUpgrade }}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ include "duet.name" (list . (printf "%s-upgrade" $component)) }}
  labels: {{- include "duet.labels" (list . $component) | nindent 4 }}
  annotations:
    helm.sh/hook: pre-upgrade
    helm.sh/hook-weight: "10"
    # Kept when it fails, for its logs, and for a day.
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
    helm.sh/hook-output-log-policy: hook-failed
spec:
  {{- include "duet.migrationLimits" . | nindent 2 }}
  ttlSecondsAfterFinished: 86400
  template: {{- include "duet.migrationPod" (list . $component (list "--skip-unknown-host")) | nindent 4 }}
{{- end }}
{{- end }}
{{- end }}

{{- define "duet.migrationLimits" -}}
backoffLimit: {{ .Values.migrations.backoffLimit }}
activeDeadlineSeconds: {{ .Values.migrations.activeDeadlineSeconds }}
{{- end }}

{{/* (list $ component arguments) */}}
{{- define "duet.migrationPod" -}}
{{- $component := index . 1 }}
{{- $arguments := index . 2 }}
{{- with index . 0 -}}
metadata:
  labels: {{- include "duet.podLabels" (list . $component) | nindent 4 }}
spec:
  # No service account of its own: the hook runs before this release's objects exist.
  {{- include "duet.podSecurity" 10001 | nindent 2 }}
  {{- with include "duet.pullSecrets" . | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- with include "duet.placement" . | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  restartPolicy: Never
  containers:
    - name: migrate
      image: {{ include "duet.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: {{ concat (list "migrate" "--wait" (toString .Values.migrations.waitSeconds)) $arguments | toJson }}
      env: {{- include "duet.environment" . | nindent 8 }}
      {{- include "duet.containerSecurity" . | nindent 6 }}
      resources: {{- toYaml .Values.resources | nindent 8 }}
      {{- include "duet.volumeMounts" . | nindent 6 }}
  {{- include "duet.volumes" . | nindent 2 }}
{{- end }}
{{- end }}
