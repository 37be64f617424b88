{{/* A service's migration Job.

On installation it is a plain Job beside the pods: the database may be in the same release, so no
hook could run before them; pods wait by their readiness. On an upgrade it is a hook that is done
before the pods roll: when it fails, the release fails and the old pods serve on. A rollback runs no
hook; it may make revision 1's plain Job again, which finds a later schema and leaves it.

The plain Job's name holds a hash of its pod: pipelines that apply rendered templates get a new Job
when it changes, and no refused change of an immutable field. */}}
{{- define "duet.migration" -}}
{{- $component := printf "%s-migrate" (include "duet.component" .) }}
{{- $hook := eq (include "duet.migrationIsHook" .) "true" }}
{{- $pod := include "duet.migrationPod" (list . $component) }}
{{- $suffix := ternary "upgrade" (sha256sum $pod | trunc 8) $hook }}
{{- if .Values.migrations.enabled }}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ include "duet.name" (list . (printf "%s-%s" $component $suffix)) }}
  labels: {{- include "duet.labels" (list . $component) | nindent 4 }}
  {{- if $hook }}
  annotations:
    helm.sh/hook: pre-upgrade
    helm.sh/hook-weight: "10"
    # Kept when it fails, for its logs, and for a day.
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
    helm.sh/hook-output-log-policy: hook-failed
  {{- end }}
spec:
  backoffLimit: {{ .Values.migrations.backoffLimit }}
  activeDeadlineSeconds: {{ .Values.migrations.activeDeadlineSeconds }}
  {{- if $hook }}
  ttlSecondsAfterFinished: 86400
  {{- end }}
  template: {{- $pod | nindent 4 }}
{{- end }}
{{- end }}

{{- define "duet.migrationIsHook" -}}
{{ and .Values.migrations.enabled .Release.IsUpgrade (eq .Values.migrations.onUpgrade "hook") }}
{{- end }}

{{- define "duet.migrationPod" -}}
{{- $component := index . 1 }}
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
      args: [migrate, --wait, {{ .Values.migrations.waitSeconds | quote }}]
      env: {{- include "duet.environment" . | nindent 8 }}
      {{- include "duet.containerSecurity" . | nindent 6 }}
      resources: {{- toYaml .Values.resources | nindent 8 }}
      {{- include "duet.volumeMounts" . | nindent 6 }}
  {{- include "duet.volumes" . | nindent 2 }}
{{- end }}
{{- end }}
