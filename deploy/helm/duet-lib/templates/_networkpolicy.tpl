{{/* Each policy applies to ingress and egress, and denies all traffic that it does not list. */}}
{{- define "duet.networkPolicy" -}}
{{- $component := include "duet.component" . }}
{{- $policy := .Values.global.duet.networkPolicy }}
{{- if $policy.enabled }}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "duet.name" (list . $component) }}
  labels: {{- include "duet.labels" (list . $component) | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{- include "duet.selector" (list . $component) | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    - ports:
        - {port: 8000, protocol: TCP}
      from:
        {{- with concat $policy.ingressNamespaces $policy.metricsNamespaces }}
        - namespaceSelector:
            matchExpressions:
              - {key: kubernetes.io/metadata.name, operator: In, values: {{ toJson . }}}
        {{- end }}
        {{- range list "test" (ternary "content" "" (eq $component "auth")) | compact }}
        - podSelector:
            matchLabels: {{- include "duet.selector" (list $ .) | nindent 14 }}
        {{- end }}
        {{- with .Values.networkPolicy.clients }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  egress:
    {{- include "duet.egressToDNS" . | nindent 4 }}
    {{- include "duet.egressToDatabase" . | nindent 4 }}
    {{- with include (printf "duet.egress.%s" $component) . | trim }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- with .Values.global.duet.tracing }}
    {{- if .endpoint }}
    {{- include "duet.egressTo" (list (include "duet.portOf" .endpoint) .peers) | nindent 4 }}
    {{- end }}
    {{- end }}
    {{- with .Values.networkPolicy.egress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}
{{- end }}

{{/* The policy of the migration pods: they may connect to the database, and no pod may connect to
     them. The hook of an upgrade has its own policy, because it runs while the policies of the previous
     revision are still in effect, and those may allow a different database. */}}
{{- define "duet.migrationNetworkPolicy" -}}
{{- $component := printf "%s-migrate" (include "duet.component" .) }}
{{- $spec := include "duet.migrationNetworkPolicySpec" (list . $component) }}
{{- if and .Values.migrations.enabled .Values.global.duet.networkPolicy.enabled }}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "duet.name" (list . $component) }}
  labels: {{- include "duet.labels" (list . $component) | nindent 4 }}
spec: {{- $spec | nindent 2 }}
{{- if .Release.IsUpgrade }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "duet.name" (list . (printf "%s-upgrade" $component)) }}
  labels: {{- include "duet.labels" (list . $component) | nindent 4 }}
  annotations: {{- include "duet.hookDependency" "pre-upgrade" | nindent 4 }}
spec: {{- $spec | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{- define "duet.migrationNetworkPolicySpec" -}}
{{- $component := index . 1 }}
{{- with index . 0 -}}
podSelector:
  matchLabels: {{- include "duet.selector" (list . $component) | nindent 4 }}
policyTypes: [Ingress, Egress]
ingress: []
egress:
  {{- include "duet.egressToDNS" . | nindent 2 }}
  {{- include "duet.egressToDatabase" . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Annotations of the objects that a hook's Job needs. Helm creates them before the Job and deletes
     them after it, even if it fails. */}}
{{- define "duet.hookDependency" -}}
helm.sh/hook: {{ . }}
helm.sh/hook-weight: "-10"
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{- define "duet.egressToDNS" -}}
- ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
  to: {{- toYaml .Values.global.duet.networkPolicy.dnsPeers | nindent 4 }}
{{- end }}

{{- define "duet.egressToDatabase" -}}
{{- $database := .Values.database }}
{{- if and .Values.global.duet.postgres.enabled (not $database.host) -}}
- ports:
    - {port: 5432, protocol: TCP}
  to:
    - podSelector:
        matchLabels: {{- include "duet.selector" (list . "postgres") | nindent 10 }}
{{- else }}
{{- include "duet.egressTo" (list $database.port $database.peers) }}
{{- end }}
{{- end }}

{{/* (list port peers) → an egress rule. Without peers, it allows the port on every host. */}}
{{- define "duet.egressTo" -}}
- ports:
    - {port: {{ index . 0 | int }}, protocol: TCP}
  {{- with index . 1 }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
