{{/* "auth" or "content": the chart's name or, below the umbrella, its alias. */}}
{{- define "duet.component" -}}
{{ .Chart.Name | trimPrefix "duet-" }}
{{- end }}

{{/* (list $ "auth") → "<release>-auth". 36 characters leave room for a Job's suffix within 63. */}}
{{- define "duet.name" -}}
{{- $ := index . 0 }}
{{- if gt (len $.Release.Name) 36 }}
{{- fail (printf "duet: the release name %q has more than 36 characters; choose a shorter one" $.Release.Name) }}
{{- end }}
{{- printf "%s-%s" $.Release.Name (index . 1) }}
{{- end }}

{{/* (list $ "auth") → the labels that select a component's pods. They include the instance. */}}
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

{{/* A pod's labels change as little as possible: a new chart version alone rolls nothing. */}}
{{- define "duet.podLabels" -}}
{{ include "duet.selector" . }}
app.kubernetes.io/part-of: duet
{{- end }}

{{/* A service chart's context → its image. */}}
{{- define "duet.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* "http://collector:4318/v1" → "4318"; the scheme's own port where none is named. */}}
{{- define "duet.portOf" -}}
{{- $url := urlParse . }}
{{- $named := regexFind ":[0-9]+$" $url.host }}
{{- if $named }}{{ trimPrefix ":" $named }}{{ else if eq $url.scheme "https" }}443{{ else }}80{{ end }}
{{- end }}

{{/* The most pods at once: while they roll, one more than the replicas. */}}
{{- define "duet.mostPods" -}}
{{- $replicas := int (ternary .Values.autoscaling.maxReplicas .Values.replicas .Values.autoscaling.enabled) }}
{{- ternary (add1 $replicas) 0 (gt $replicas 0) }}
{{- end }}

{{/* The least replicas there are when nothing is wrong. */}}
{{- define "duet.leastReplicas" -}}
{{ int (ternary .Values.autoscaling.minReplicas .Values.replicas .Values.autoscaling.enabled) }}
{{- end }}
