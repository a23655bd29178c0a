"""Projects, their members and personas."""

from marshmallow import Schema, fields, validate

from models.interviews import ProjectRole
from webapp.api.accounts.schemas.members import CompanyOutput
from webapp.api.fields import WORD_MAX, InputSchema, Text, say

_EMAIL_MAX = 162


class ProjectOutput(Schema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)
    description = fields.String(required=True, allow_none=True)
    purpose = fields.String(required=True, allow_none=True)
    target_audience = fields.String(required=True, allow_none=True)
    research_method = fields.String(required=True, allow_none=True)
    requires_consent = fields.Boolean(required=True)
    role = fields.String(required=True)
    company = fields.Nested(CompanyOutput, required=True)
    created_at = fields.String(required=True)


class ProjectsOutput(Schema):
    success = fields.Boolean(required=True)
    projects = fields.List(fields.Nested(ProjectOutput), required=True)


class OneProjectOutput(Schema):
    success = fields.Boolean(required=True)
    project = fields.Nested(ProjectOutput, required=True)


class ProjectMemberOutput(Schema):
    account_id = fields.UUID(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True)
    role = fields.String(required=True)


class ProjectMembersOutput(Schema):
    success = fields.Boolean(required=True)
    members = fields.List(fields.Nested(ProjectMemberOutput), required=True)


class ProjectMemberInput(InputSchema):
    email = Text(_EMAIL_MAX, required=True, error_messages=say("이메일을 입력해 주세요.", "이메일을 입력해 주세요."))
    role = Text(
        WORD_MAX,
        required=True,
        validate=validate.OneOf(list(ProjectRole), error="viewer, editor, admin 가운데 하나를 보내 주세요."),
        error_messages=say("역할을 골라 주세요.", "역할을 골라 주세요."),
    )


class ProjectMemberQuery(InputSchema):
    account_id = fields.UUID(
        data_key="accountId",
        required=True,
        error_messages={"required": "누구인지 보내 주세요.", "invalid_uuid": "누구인지 보내 주세요."},
    )


class PersonaOutput(Schema):
    id = fields.UUID(required=True)
    persona_code = fields.String(required=True)
    title = fields.String(required=True)
    description = fields.String(required=True, allow_none=True)
    interviews = fields.Integer(required=True)


class PersonasOutput(Schema):
    success = fields.Boolean(required=True)
    personas = fields.List(fields.Nested(PersonaOutput), required=True)
