{{/* "auth" or "content": the chart's name without "duet-". In the umbrella chart, it is the alias. */}}
{{- define "duet.component" -}}
{{ .Chart.Name | trimPrefix "duet-" }}
{{- end }}

{{/* (list $ "auth") → "<release>-auth". The limit of 36 characters leaves room for a Job's suffix, since
     names and labels have at most 63. */}}
{{- define "duet.name" -}}
{{- $ := index . 0 }}
{{- if gt (len $.Release.Name) 36 }}
{{- fail (printf "duet: the release name %q has more than 36 characters; choose a shorter one" $.Release.Name) }}
{{- end }}
{{- printf "%s-%s" $.Release.Name (index . 1) }}
{{- end }}

{{/* (list $ "auth") → the labels that select a component's pods. They include the instance,
     so that two releases in one namespace do not select each other's pods. */}}
{{- define "duet.selector" -}}
{{- $ := index . 0 -}}
app.kubernetes.io/name: duet
app.kubernetes.io/instance: {{ $.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "duet.labels" -}}
{{- $ := index . 0 -}}
{{ include "duet.selector" . }}
app.kubernetes.io/part-of: duet
app.kubernetes.io/version: {{ $.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $.Chart.Name $.Chart.Version }}
{{- end }}

{{/* The labels of a pod. They do not contain the version, so that a new chart version alone
     does not replace the pods. */}}
{{- define "duet.podLabels" -}}
{{ include "duet.selector" . }}
app.kubernetes.io/part-of: duet
{{- end }}

{{/* A service chart's context → its image. */}}
{{- define "duet.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* "http://collector:4318/v1" → "4318". Defaults to the port of the scheme. */}}
{{- define "duet.portOf" -}}
{{- $url := urlParse . }}
{{- $named := regexFind ":[0-9]+$" $url.host }}
{{- if $named }}{{ trimPrefix ":" $named }}{{ else if eq $url.scheme "https" }}443{{ else }}80{{ end }}
{{- end }}

{{/* The maximum number of pods: one more than the number of replicas, as a rolling update adds one. */}}
{{- define "duet.maxPods" -}}
{{- $replicas := int (ternary .Values.autoscaling.maxReplicas .Values.replicas .Values.autoscaling.enabled) }}
{{- ternary (add1 $replicas) 0 (gt $replicas 0) }}
{{- end }}

{{/* The minimum number of replicas. */}}
{{- define "duet.minReplicas" -}}
{{ int (ternary .Values.autoscaling.minReplicas .Values.replicas .Values.autoscaling.enabled) }}
{{- end }}
