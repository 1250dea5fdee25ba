import django.db.models.deletion
import django.db.models.functions.comparison
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('extraction', '0008_invitations_handovers_searches'),
    ]

    operations = [
        migrations.AlterField(
            model_name='discrepancy',
            name='subject',
            field=models.CharField(choices=[('arm', 'arm'), ('timepoint', 'timepoint'), ('outcome', 'outcome'), ('observation', 'observation'), ('contrast', 'contrast'), ('characteristic', 'characteristic')], max_length=14),
        ),
        migrations.AlterField(
            model_name='match',
            name='subject',
            field=models.CharField(choices=[('arm', 'arm'), ('timepoint', 'timepoint'), ('outcome', 'outcome'), ('observation', 'observation'), ('contrast', 'contrast'), ('characteristic', 'characteristic')], max_length=14),
        ),
        migrations.AlterField(
            model_name='rule',
            name='subject',
            field=models.CharField(choices=[('arm', 'arm'), ('timepoint', 'timepoint'), ('outcome', 'outcome'), ('observation', 'observation'), ('contrast', 'contrast'), ('characteristic', 'characteristic')], max_length=14),
        ),
        migrations.CreateModel(
            name='ContrastStatistic',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('position', models.PositiveIntegerField(default=0, editable=False)),
                ('version', models.PositiveIntegerField(default=1, editable=False, help_text='For optimistic locking.')),
                ('statistic', models.CharField(choices=[('mean_difference', 'mean difference'), ('smd', 'standardised mean difference'), ('t', 't'), ('f', 'F'), ('p', 'p'), ('r', 'pre-post correlation r'), ('sd_change', 'SD of change'), ('paired_t', 'paired t'), ('p_change', 'p of change')], max_length=15)),
                ('value', models.FloatField(editable=False, help_text='Read from what is printed.', null=True)),
                ('value_printed', models.CharField(blank=True, default='', help_text='Exactly as printed: -2.10, <0.05; or NR.', max_length=60)),
                ('value_status', models.CharField(blank=True, choices=[('', '–'), ('reported', 'reported'), ('NR', 'NR'), ('NM', 'NM'), ('UN', 'UN')], default='', max_length=8)),
                ('value_qualifier', models.CharField(choices=[('=', '='), ('<', '<'), ('≤', '≤'), ('>', '>'), ('≥', '≥'), ('~', '~'), ('LOD', 'LOD')], default='=', max_length=3)),
                ('ci_low', models.FloatField(editable=False, null=True)),
                ('ci_low_printed', models.CharField(blank=True, default='', help_text='Lower end of the CI of a difference.', max_length=60)),
                ('ci_high', models.FloatField(editable=False, null=True)),
                ('ci_high_printed', models.CharField(blank=True, default='', help_text='Upper end of the CI of a difference.', max_length=60)),
                ('ci_level', models.FloatField(blank=True, help_text='In percent: 95.', null=True)),
                ('df', models.FloatField(editable=False, null=True, verbose_name='degrees of freedom')),
                ('df_printed', models.CharField(blank=True, default='', help_text='Degrees of freedom as printed: 48; of an F both: 1, 48.', max_length=60)),
                ('adjusted', models.CharField(blank=True, help_text='What it is adjusted for: baseline, age.', max_length=200)),
                ('source_page', models.CharField(blank=True, max_length=20)),
                ('source_place', models.CharField(blank=True, help_text='Table 2, Figure 1, text.', max_length=60)),
                ('source_quote', models.TextField(blank=True)),
                ('notes', models.TextField(blank=True)),
                ('arm', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='contrasts', to='extraction.arm')),
                ('entry', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='contrasts', to='extraction.entry')),
                ('outcome', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='contrasts', to='extraction.outcome')),
                ('timepoint', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='contrasts', to='extraction.timepoint')),
                ('versus', models.ForeignKey(blank=True, help_text='The arm that is compared with; empty within one arm, against its own baseline.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='contrasts_against', to='extraction.arm')),
            ],
            options={
                'verbose_name': 'contrast statistic',
                'ordering': ['position', 'id'],
                'abstract': False,
                'constraints': [models.UniqueConstraint(condition=models.Q(('versus__isnull', True)), fields=('entry', 'outcome', 'timepoint', 'arm', 'statistic'), name='contrast_once_within_an_arm'), models.UniqueConstraint(models.F('entry'), models.F('outcome'), models.F('timepoint'), django.db.models.functions.comparison.Least('arm', 'versus'), django.db.models.functions.comparison.Greatest('arm', 'versus'), models.F('statistic'), condition=models.Q(('versus__isnull', False)), name='contrast_once_between_two_arms'), models.CheckConstraint(condition=models.Q(models.Q(('statistic__in', ['p_change', 'paired_t', 'r', 'sd_change']), ('versus__isnull', True)), models.Q(('versus__isnull', False), models.Q(('statistic__in', ['p_change', 'paired_t', 'r', 'sd_change']), _negated=True)), _connector='OR'), name='contrast_versus_where_it_is_between_arms', violation_error_message='A statistic between arms names two arms, one within an arm names one.'), models.CheckConstraint(condition=models.Q(('versus__isnull', True), models.Q(('versus', models.F('arm')), _negated=True), _connector='OR'), name='contrast_of_two_different_arms', violation_error_message='An arm is not compared with itself.'), models.CheckConstraint(condition=models.Q(('statistic__in', ['mean_difference', 'smd', 't', 'f', 'p', 'r', 'sd_change', 'paired_t', 'p_change'])), name='contrast_statistic_is_known'), models.CheckConstraint(condition=models.Q(('value__isnull', True), models.Q(('value__gte', -1e+308), ('value__lte', 1e+308)), _connector='OR'), name='contrast_value_finite'), models.CheckConstraint(condition=models.Q(models.Q(('statistic__in', ['p', 'p_change']), _negated=True), ('value__isnull', True), models.Q(('value__gte', 0), ('value__lte', 1)), _connector='OR'), name='contrast_p_from_0_to_1', violation_error_message='p lies between 0 and 1.'), models.CheckConstraint(condition=models.Q(models.Q(('statistic__in', ['r']), _negated=True), ('value__isnull', True), models.Q(('value__gte', -1), ('value__lte', 1)), _connector='OR'), name='contrast_r_from_minus_1_to_1', violation_error_message='A correlation lies between -1 and 1.'), models.CheckConstraint(condition=models.Q(models.Q(('statistic__in', ['sd_change', 'f']), _negated=True), ('value__isnull', True), models.Q(('value__gte', 0), ('value__lte', 1e+308)), _connector='OR'), name='contrast_sd_and_f_not_negative', violation_error_message='An SD of change and an F are not negative.'), models.CheckConstraint(condition=models.Q(('ci_low__isnull', True), models.Q(('ci_low__gte', -1e+308), ('ci_low__lte', 1e+308)), _connector='OR'), name='contrast_ci_low_finite'), models.CheckConstraint(condition=models.Q(('ci_high__isnull', True), models.Q(('ci_high__gte', -1e+308), ('ci_high__lte', 1e+308)), _connector='OR'), name='contrast_ci_high_finite'), models.CheckConstraint(condition=models.Q(models.Q(('ci_high__isnull', True), ('ci_low__isnull', True)), models.Q(('ci_high__gte', models.F('ci_low')), ('ci_high__isnull', False), ('ci_low__isnull', False)), _connector='OR'), name='contrast_upper_not_below_lower', violation_error_message='The upper end cannot be below the lower end.'), models.CheckConstraint(condition=models.Q(('ci_low__isnull', True), ('statistic__in', ['mean_difference', 'smd']), _connector='OR'), name='contrast_interval_of_a_difference', violation_error_message='Only a difference has a CI here.'), models.CheckConstraint(condition=models.Q(('ci_level__isnull', True), models.Q(('ci_level__gte', 50), ('ci_level__lt', 100)), _connector='OR'), name='contrast_level_in_percent', violation_error_message='A confidence level is given in percent: 95.'), models.CheckConstraint(condition=models.Q(models.Q(('df__isnull', True), ('df_printed', '')), models.Q(('df__gt', 0), ('df__isnull', False), ('df__lte', 1e+308), models.Q(('df_printed', ''), _negated=True)), _connector='OR'), name='contrast_df_above_zero_and_printed'), models.CheckConstraint(condition=models.Q(models.Q(('value_status', 'reported'), models.Q(('value_printed', ''), _negated=True), ('value__isnull', False)), models.Q(models.Q(('value_status', 'reported'), _negated=True), ('value__isnull', True), ('value_printed', '')), _connector='OR'), name='contrast_value_said_with_number')],
            },
        ),
    ]
