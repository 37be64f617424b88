{{/* The migration Jobs of a service.

The plain Job runs while the pods start, because a hook could not migrate a database that the same
installation creates. The pods are not ready until the Job has finished.

On an upgrade, a hook migrates before the pods are replaced: if it fails, the upgrade fails and the old
pods keep serving requests. If the database's host has no address yet, the hook skips the migration and
the plain Job does it, so that an upgrade repairs an installation that failed early. A rollback runs no
hook, and its plain Job leaves a later schema unchanged.

The name of the plain Job contains a hash of its pod template. A changed template therefore creates
another Job; Kubernetes would refuse to change the existing one, because the field is immutable. */}}
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
    # A Job that failed is kept for a day, so that its logs can be read.
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
